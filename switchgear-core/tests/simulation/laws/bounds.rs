use std::{collections::BTreeMap, time::Duration};

use switchgear_core::{Moment, balance::NodeId, ln::NoInvoice};

use super::{
    super::{happened::Happened, world::World},
    Broken, Law, ensure,
};

/// A request ends by its deadline, and says that it was the deadline only then.
#[derive(Debug)]
pub struct Deadline;

impl Law for Deadline {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let (id, until) = match happened {
            Happened::Waited { request, until, .. } => (request, *until),
            Happened::Ended { request, .. } => (request, world.now),
            _ => return Ok(()),
        };
        let Some(request) = world.requests.get(id) else {
            return Ok(());
        };
        let deadline = request.deadline;
        ensure(until <= deadline, || {
            format!("{happened:?} goes beyond its deadline {deadline:?}")
        })?;
        match happened {
            Happened::Ended {
                result: Err(NoInvoice::Deadline),
                ..
            } => ensure(world.now >= deadline, || {
                format!("{happened:?} before {deadline:?}")
            }),
            Happened::Ended { .. } => Ok(()),
            _ => ensure(until > world.now, || {
                format!("{happened:?}, and that is past")
            }),
        }
    }
}

/// Each node counts as many calls as are under way, and none when all is quiet.
#[derive(Debug, Default)]
pub struct InFlight {
    steps: u32,
}

impl InFlight {
    fn count(world: &World) -> BTreeMap<NodeId, (u32, u32)> {
        let mut counts = BTreeMap::new();
        let published = world.published.iter();
        let nodes = published
            .flat_map(|published| published.candidates().filter_map(|id| published.node(id)));
        for node in nodes {
            counts.insert(node.id(), (node.in_flight(), 0));
        }
        for live in world.calls.values() {
            let node = live.call.node();
            counts.entry(node.id()).or_insert((node.in_flight(), 0)).1 += 1;
        }
        counts
    }
}

impl Law for InFlight {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        self.steps += 1;
        let ends = matches!(
            happened,
            Happened::Ended { .. } | Happened::DetachedEnded { .. }
        );
        let small = world.model.len() <= 64;
        // In large fleets, now and then: it looks at every node.
        if (!ends || !small) && !self.steps.is_multiple_of(1_024) {
            return Ok(());
        }
        let counts = Self::count(world);
        let wrong = counts.iter().find(|(_, (said, counted))| said != counted);
        ensure(wrong.is_none(), || {
            format!("{wrong:?}: its own count, and how many there are")
        })
    }
}

/// A partition is published at most once in 50 ms, and what waits is published then; that a node has moved
/// away from it does not wait.
#[derive(Debug, Default)]
pub struct Publications {
    last: BTreeMap<usize, Moment>,
}

impl Publications {
    const PERIOD: Duration = Duration::from_millis(50);
}

impl Law for Publications {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Published { changed, left, due } = happened else {
            return Ok(());
        };
        for partition in changed {
            let last = self.last.insert(*partition, world.now);
            let in_time = last.is_none_or(|last| world.now.since(last) >= Self::PERIOD);
            ensure(in_time || left.contains(partition), || {
                format!(
                    "partition {partition} was published at {last:?}, and again at {:?}",
                    world.now
                )
            })?;
        }
        let waits = left.iter().find(|partition| !changed.contains(partition));
        ensure(waits.is_none(), || {
            format!("a node has left {waits:?}, and that is not published")
        })?;
        let soon = due.is_none_or(|due| due > world.now && due.since(world.now) <= Self::PERIOD);
        ensure(soon, || format!("the next publication is due at {due:?}"))
    }
}

/// A refresh is wanted only while nobody is ready, and begins at most once a second.
#[derive(Debug, Default)]
pub struct Refreshes {
    last: Option<Moment>,
}

impl Law for Refreshes {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        match happened {
            Happened::RefreshBegan => {
                let last = self.last.replace(world.now);
                let long_enough = |last| world.now.since(last) >= Duration::from_secs(1);
                ensure(last.is_none_or(long_enough), || {
                    format!("two refreshes: {last:?}")
                })
            }
            Happened::WantedRefresh(id) => {
                let Some(request) = world.requests.get(id) else {
                    return Ok(());
                };
                let ready = &world.published[request.partition].ready;
                let askable = ready
                    .keys()
                    .find(|id| world.model.is_open(**id) && !request.round.asked.contains(id));
                ensure(askable.is_none(), || {
                    format!("a refresh is wanted while {askable:?} is ready")
                })
            }
            _ => Ok(()),
        }
    }
}
