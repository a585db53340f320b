use switchgear_core::{
    balance::{Backoff, NodeId},
    ln::NoInvoice,
};

use super::{
    super::{
        call::Manner,
        happened::Happened,
        request::{Request, RequestId},
        round::Wait,
        world::World,
    },
    Broken, Law, ensure,
};

/// The request whose round has just ended without an invoice, and not by the deadline.
fn round_ended(happened: &Happened) -> Option<RequestId> {
    match happened {
        Happened::Waited {
            request,
            wait: Wait::Rest,
            ..
        }
        | Happened::Ended {
            request,
            result: Err(NoInvoice::Exhausted | NoInvoice::NoNode),
            ..
        } => Some(*request),
        _ => None,
    }
}

/// Whether the round may not ask more for its configured bound.
fn is_spent(world: &World, request: &Request) -> bool {
    request.round.quota(world.settings.dispatch.max_iterations) == 0
}

/// Whether the node could be asked during all of the round.
fn was_open(world: &World, request: &Request, id: NodeId) -> bool {
    let began = request.round.step;
    let listed = world.published[request.partition].eligible.get(&id);
    let open = world.model.open_since(id);
    listed.is_some_and(|since| *since <= began) && open.is_some_and(|since| since <= began)
}

/// A candidate that the request could ask at this moment.
fn askable(world: &World, request: &Request) -> Option<NodeId> {
    if is_spent(world, request) {
        return None;
    }
    let published = &world.published[request.partition];
    let mut candidates = published.candidates();
    candidates.find(|id| world.model.is_open(*id) && !request.round.asked.contains(id))
}

/// A round ends only when each node that was ready during all of it was asked, and each candidate of its
/// last run.
#[derive(Debug)]
pub struct NeverSkips;

impl Law for NeverSkips {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let request = round_ended(happened).and_then(|id| world.requests.get(&id));
        let Some(request) = request.filter(|request| !is_spent(world, request)) else {
            return Ok(());
        };
        let (round, current) = (&request.round, &world.published[request.partition]);
        let skipped = |id: &NodeId| was_open(world, request, *id) && !round.asked.contains(id);
        let ready = current
            .ready
            .iter()
            .filter(|(_, ready)| ready.since <= round.step);
        let ready = ready.map(|(id, _)| *id).find(skipped);
        ensure(ready.is_none(), || {
            format!("{happened:?}: {ready:?} was ready all the time, and not asked: {round:?}")
        })?;
        let run = round.run.as_ref();
        let listed = run.and_then(|run| {
            run.published
                .candidates()
                .find(|id| skipped(id) && current.lists(*id))
        });
        ensure(listed.is_none(), || {
            format!("{happened:?}: {listed:?} was a candidate, and not asked: {round:?}")
        })
    }
}

/// Nobody waits while there is a candidate to ask and none is being asked, and with hedging not for longer
/// than that says.
#[derive(Debug)]
pub struct NeverIdles;

impl Law for NeverIdles {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Waited {
            request,
            until,
            wait,
        } = happened
        else {
            return Ok(());
        };
        let Some(request) = world.requests.get(request) else {
            return Ok(());
        };
        let idle = request.count(|manner| manner == Manner::Candidate) == 0;
        match wait {
            Wait::Refresh | Wait::Trials => {
                let askable = askable(world, request);
                ensure(askable.is_none(), || {
                    format!("{happened:?} while {askable:?} can be asked")
                })
            }
            Wait::Calls if idle => {
                // Where no other round may follow, candidates are asked in this one whenever they come.
                let last = world.settings.dispatch.backoff == Backoff::Stop;
                let left = match request.round.run {
                    None if last => askable(world, request),
                    _ => candidate_left(world, request),
                };
                ensure(left.is_none(), || {
                    format!("{happened:?} for a trial alone, and {left:?} is left")
                })
            }
            Wait::Calls => {
                let Some(at) = request.hedge_at(world.settings.dispatch.hedge_after) else {
                    return Ok(());
                };
                let left = candidate_left(world, request);
                ensure(*until <= at || left.is_none(), || {
                    format!("{happened:?}, and {left:?} was to be asked beside at {at:?}")
                })
            }
            Wait::Rest | Wait::StillRest => Ok(()),
        }
    }
}

/// A candidate of the round's present run that it could still ask: not one that was away in its turn, and
/// came back since.
fn candidate_left(world: &World, request: &Request) -> Option<NodeId> {
    if is_spent(world, request) {
        return None;
    }
    let current = &world.published[request.partition];
    let run = request.round.run.as_ref()?;
    let mut candidates = run.published.candidates();
    candidates.find(|id| {
        let open = world.model.is_open(*id) && current.lists(*id);
        open && !request.round.asked.contains(id) && !run.passed.contains(id)
    })
}

/// A round in which no ready node was asked has wanted a refresh, and has tried whoever was left then.
#[derive(Debug)]
pub struct TriesBeforeGivingUp;

impl Law for TriesBeforeGivingUp {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Some(request) = round_ended(happened).and_then(|id| world.requests.get(&id)) else {
            return Ok(());
        };
        let round = &request.round;
        if round.met_ready || is_spent(world, request) {
            return Ok(());
        }
        ensure(round.refreshed.is_some(), || {
            format!("{happened:?}: nobody ready was asked, and no refresh wanted: {round:?}")
        })?;
        let dormant = &world.published[request.partition].dormant;
        let untried = dormant
            .iter()
            .find(|id| was_open(world, request, **id) && !round.asked.contains(id));
        ensure(untried.is_none(), || {
            format!("{happened:?}: {untried:?} was not tried: {round:?}")
        })
    }
}

/// A request is given up before its deadline only when nobody is left whom its last round could still ask,
/// ready or not, whoever else may be trying them.
#[derive(Debug)]
pub struct AsksAllBeforeGivingUp;

impl Law for AsksAllBeforeGivingUp {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Ended {
            request,
            result: Err(NoInvoice::Exhausted | NoInvoice::NoNode),
            ..
        } = happened
        else {
            return Ok(());
        };
        let request = world.requests.get(request);
        let Some(request) = request.filter(|request| !is_spent(world, request)) else {
            return Ok(());
        };
        let dormant = &world.published[request.partition].dormant;
        let untried = |id: &&NodeId| world.model.is_open(**id) && !request.round.asked.contains(id);
        let left = askable(world, request).or_else(|| dormant.iter().find(untried).copied());
        ensure(left.is_none(), || {
            format!("{happened:?}, and {left:?} is left: {:?}", request.round)
        })
    }
}

/// Between two rounds lies the back-off, unless nobody was ready and somebody is now. Without back-off there
/// is one round.
#[derive(Debug)]
pub struct RestsBetweenRounds;

impl Law for RestsBetweenRounds {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let id = match happened {
            Happened::Asked(asked) => asked.request,
            Happened::WantedRefresh(id) => *id,
            _ => return Ok(()),
        };
        let begins = |request: &&Request| request.round.step == world.step;
        let Some(request) = world.requests.get(&id).filter(begins) else {
            return Ok(());
        };
        let (number, before) = (request.round.number, request.round.before);
        if number == 1 {
            return Ok(());
        }
        let rest = world.settings.shortest_rest(number.saturating_sub(1));
        let someone = !world.published[request.partition].ready.is_empty();
        let rested = before.zip(rest).is_some_and(|(ended, rest)| {
            ended.at + rest <= world.now || ended.nobody_ready && someone
        });
        ensure(rested, || {
            format!("{happened:?} in round {number}, and the last ended: {before:?}")
        })
    }
}
