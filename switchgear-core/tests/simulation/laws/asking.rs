use std::time::Duration;

use switchgear_core::{Moment, balance::Dispatch};

use super::{
    super::{
        call::Manner,
        happened::{Asked, Happened},
        world::World,
    },
    Broken, Law, ensure,
};

/// A node is asked only while it is listed, enabled, not drained, and in the request's partition.
#[derive(Debug)]
pub struct OpenAndServing;

impl Law for OpenAndServing {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Asked(asked) = happened else {
            return Ok(());
        };
        let Some(request) = world.requests.get(&asked.request) else {
            return Ok(());
        };
        let open = world.model.is_open(asked.node);
        ensure(open && asked.open, || {
            format!(
                "{} was asked, and is open: {open}, by its own word: {}",
                asked.node, asked.open
            )
        })?;
        ensure(world.model.serves(asked.node, request.partition), || {
            format!(
                "{} was asked for a partition that it does not serve",
                asked.node
            )
        })?;
        ensure(asked.manner.is_some(), || {
            format!("{} was asked, and no publication lists it", asked.node)
        })
    }
}

/// No node is asked twice in a round, and no more than `max_iterations`, probes apart.
#[derive(Debug)]
pub struct OncePerRound;

impl Law for OncePerRound {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Asked(asked) = happened else {
            return Ok(());
        };
        ensure(!asked.again, || {
            format!("{} was asked twice in a round", asked.node)
        })?;
        let request = world.requests.get(&asked.request);
        let quota = world.settings.dispatch.max_iterations;
        if let (Some(request), Some(quota)) = (request, quota) {
            let spent = request.round.spent;
            ensure(spent <= quota.get() as usize, || {
                format!("a round asked {spent} nodes of at most {quota}")
            })?;
        }
        Ok(())
    }
}

/// Candidates are asked one after the other; beside one another only by hedging.
#[derive(Debug)]
pub struct SideBySide;

impl Law for SideBySide {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Asked(asked) = happened else {
            return Ok(());
        };
        let (candidates, trials) = asked.beside;
        let hedge = world.settings.dispatch.hedge_after;
        let hedged = hedge
            .zip(asked.last_candidate)
            .is_some_and(|(hedge, last)| world.now >= last + hedge);
        let allowed = match asked.manner {
            Some(Manner::Candidate) => (candidates == 0 || hedged) && trials <= 2,
            Some(Manner::Probe) => candidates == 0 && trials <= 1,
            Some(Manner::Trial) | None => candidates + trials == 0,
        };
        ensure(allowed, || {
            format!("{asked:?} beside {candidates} candidates and {trials} trials")
        })
    }
}

/// An attempt is given its share of the time left, at least 100 ms, at most the configured limit, and
/// never more than the deadline leaves.
#[derive(Debug)]
pub struct AttemptLimit;

impl AttemptLimit {
    fn limit(world: &World, deadline: Moment, left: usize) -> Moment {
        let share = deadline.since(world.now).div_f64(left.max(1) as f64);
        let limit = share.max(Dispatch::SHORTEST_ATTEMPT);
        let limit = limit.min(world.settings.dispatch.attempt_limit);
        (world.now + limit).min(deadline)
    }
}

impl Law for AttemptLimit {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Asked(Asked {
            limit,
            left,
            request,
            ..
        }) = happened
        else {
            return Ok(());
        };
        let Some(request) = world.requests.get(request) else {
            return Ok(());
        };
        let shortest = Self::limit(world, request.deadline, left.1);
        let longest = Self::limit(world, request.deadline, left.0);
        // Shares are rounded to nanoseconds.
        let rounding = Duration::from_nanos(10);
        ensure(
            *limit + rounding >= shortest && *limit <= longest + rounding,
            || format!("{happened:?}: its limit is not within {shortest:?} to {longest:?}"),
        )
    }
}

/// Within a run: those in range first, then the other ready ones, then the ejected.
#[derive(Debug)]
pub struct RangeOrder;

impl Law for RangeOrder {
    fn check(&mut self, _: &World, happened: &Happened) -> Result<(), Broken> {
        match happened {
            Happened::Asked(Asked {
                rank: Some((rank, before)),
                ..
            }) => ensure(rank >= before, || {
                format!("{happened:?}: {rank} is asked behind {before}")
            }),
            _ => Ok(()),
        }
    }
}

/// A node that is not ready is tried by one call at a time, and an ejected one not before its time.
#[derive(Debug)]
pub struct OneTrial;

impl Law for OneTrial {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Asked(asked) = happened else {
            return Ok(());
        };
        let Some(Manner::Probe | Manner::Trial) = asked.manner else {
            return Ok(());
        };
        ensure(asked.other_trials == 0, || {
            format!("{} is tried by two at once", asked.node)
        })?;
        if asked.manner == Some(Manner::Probe) {
            let due = world.model.probe_at(asked.node);
            ensure(due.is_some_and(|due| due <= world.now), || {
                format!(
                    "{} is probed at {:?}, and not before {due:?}",
                    asked.node, world.now
                )
            })?;
        }
        Ok(())
    }
}
