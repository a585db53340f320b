use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::{
    figures::{Figures, Movement, Spread},
    scheme::{Member, Scheme},
};

/// Measures a scheme with so many nodes; with more `patience`, the shares by so many times more keys.
pub(crate) fn measure<S: Scheme>(nodes: usize, patience: u64) -> Figures {
    let pace = S::PACE * 10_000 / nodes as u64;
    let enough = (2_000 * nodes as u64).clamp(1_000_000, 4_000_000);
    let keys = patience * enough.min(2 * pace);
    let members = members(nodes, &[1]);
    let scheme = S::build(&members);
    let owners = owners(&scheme, keys);
    let events = Events {
        members: &members,
        scheme: &scheme,
        owners: &owners[..owners.len().min(1_000_000)],
    };
    let mixed = self::members(nodes, &[1, 2, 7]);
    let owners_of_mixed = self::owners(&S::build(&mixed), keys / 4);
    Figures {
        name: S::NAME,
        leave: events.leave(nodes / 2),
        join: events.join(),
        grow: events.grow(nodes / 2),
        order: events.order(nodes / 2),
        equal: Spread::of(&members, &owners),
        mixed: Spread::of(&mixed, &owners_of_mixed),
        lookup: lookup(&scheme, pace),
        build: build::<S>(&members),
        bytes: bytes::<S>(&members) / nodes as f64,
    }
}

fn owners<S: Scheme>(scheme: &S, keys: u64) -> Vec<u32> {
    (0..keys).map(|key| scheme.first(key) as u32).collect()
}

/// Nodes whose weights go round.
pub(crate) fn members(nodes: usize, weights: &[u16]) -> Vec<Member> {
    let member = |(name, weight): (u32, &u16)| Member {
        name,
        weight: *weight,
    };
    (0..)
        .zip(weights.iter().cycle())
        .map(member)
        .take(nodes)
        .collect()
}

/// What happens to a fleet, and to the keys that its nodes own.
struct Events<'a, S> {
    members: &'a [Member],
    scheme: &'a S,
    owners: &'a [u32],
}

impl<S: Scheme> Events<'_, S> {
    fn leave(&self, gone: usize) -> Option<Movement> {
        let after = self.without(gone);
        self.movement(|was, _| was == gone, |key| before(gone, after.first(key)))
    }

    fn join(&self) -> Option<Movement> {
        let newcomer = self.members.len();
        let after = S::build(&members(newcomer + 1, &[1]));
        self.movement(|_, is| is == newcomer, |key| after.first(key))
    }

    fn grow(&self, grown: usize) -> Option<Movement> {
        let mut members = self.members.to_vec();
        members[grown].weight = 2;
        let after = S::build(&members);
        self.movement(|_, is| is == grown, |key| after.first(key))
    }

    /// Of the keys that name a node among their first four, the share for which the other three still
    /// are the first, in order, when it has left.
    fn order(&self, gone: usize) -> Option<f64> {
        let after = self.without(gone);
        let (mut named, mut kept) = (0, 0);
        let begun = Instant::now();
        for key in (0..).take_while(|_| begun.elapsed() < Duration::from_millis(1_500)) {
            let order = self.scheme.order(key, 4);
            if order.contains(&gone) {
                let left = order.into_iter().filter(|node| *node != gone);
                let found = after.order(key, 3).into_iter();
                kept += u32::from(found.map(|node| before(gone, node)).eq(left));
                named += 1;
            }
            if named == 300 {
                break;
            }
        }
        (named >= 8).then_some(f64::from(kept) / f64::from(named))
    }

    fn without(&self, gone: usize) -> S {
        let mut members = self.members.to_vec();
        members.remove(gone);
        S::build(&members)
    }

    /// None when too few keys have to move to tell.
    fn movement(
        &self,
        has_to: impl Fn(usize, usize) -> bool,
        after: impl Fn(u64) -> usize,
    ) -> Option<Movement> {
        let (mut had_to, mut innocent) = (0_u32, 0_u32);
        for (key, was) in (0..).zip(self.owners) {
            let (was, is) = (*was as usize, after(key));
            if was != is && has_to(was, is) {
                had_to += 1;
            } else if was != is {
                innocent += 1;
            }
        }
        (had_to >= 10).then(|| Movement {
            multiple: 1.0 + f64::from(innocent) / f64::from(had_to),
            innocent: f64::from(innocent) / self.owners.len() as f64,
        })
    }
}

/// The place that a node had before the one at `gone` left.
fn before(gone: usize, place: usize) -> usize {
    place + usize::from(place >= gone)
}

impl Spread {
    /// None when there were too few keys to tell.
    fn of(members: &[Member], owners: &[u32]) -> Option<Self> {
        let mut counts = vec![0_u32; members.len()];
        for owner in owners {
            counts[*owner as usize] += 1;
        }
        let total: f64 = members.iter().map(|member| f64::from(member.weight)).sum();
        let (mut beyond, mut largest, mut sampling) = (0.0, 0.0_f64, 0.0_f64);
        for (count, member) in counts.iter().zip(members) {
            let share = f64::from(member.weight) / total;
            let expected = owners.len() as f64 * share;
            let error = f64::from(*count) / expected - 1.0;
            let by_chance = (1.0 - share) / expected;
            beyond += share * (error * error - by_chance);
            largest = largest.max(error.abs());
            sampling = sampling.max(by_chance.sqrt());
        }
        (sampling < 0.2).then(|| Self {
            beyond: beyond.max(0.0).sqrt(),
            largest,
            sampling: sampling * (2.0 * (members.len() as f64).ln()).sqrt(),
        })
    }
}

/// The time of a lookup, the best of many samples: a shared machine makes others slower.
fn lookup<S: Scheme>(scheme: &S, pace: u64) -> Duration {
    let lookups = (pace / 2_000).clamp(1, 200);
    let sample = |start| {
        let begun = Instant::now();
        for key in start..start + lookups {
            black_box(scheme.first(black_box(key)));
        }
        begun.elapsed()
    };
    let samples = (0..400).map(|start| sample(start * lookups));
    let best = samples.min().unwrap_or_default();
    Duration::from_nanos(u64::try_from(best.as_nanos()).unwrap_or(u64::MAX) / lookups)
}

fn build<S: Scheme>(members: &[Member]) -> Duration {
    let sample = |_| {
        let begun = Instant::now();
        black_box(S::build(members));
        begun.elapsed()
    };
    (0..3).map(sample).min().unwrap_or_default()
}

/// What a scheme holds on the heap.
fn bytes<S: Scheme>(members: &[Member]) -> f64 {
    let mut held = None;
    let allocations = allocation_counter::measure(|| held = Some(S::build(members)));
    drop(held);
    allocations.bytes_current as f64
}
