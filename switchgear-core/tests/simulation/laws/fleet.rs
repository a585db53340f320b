use std::{collections::BTreeSet, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{Millisatoshi, balance::NodeId};

use super::{
    super::{
        happened::Happened,
        published::{Published, pick},
        world::World,
    },
    Broken, Law, ensure,
};

/// A snapshot touches the nodes that changed in it, and no other; a check changes what the thresholds say.
#[derive(Debug)]
pub struct TellsWhatChanged;

impl Law for TellsWhatChanged {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        match happened {
            Happened::Updated { told, expected } => {
                ensure(told == expected, || {
                    format!("told {told:?}, expected {expected:?}")
                })?;
                let (len, listed) = (world.fleet.len(), world.model.len());
                ensure(len == listed, || format!("{len} nodes of {listed}"))
            }
            Happened::Checked(_, _, change) => {
                let expected = &world.expected_change;
                ensure(change == expected, || {
                    format!("{happened:?}, expected {expected:?}")
                })
            }
            _ => Ok(()),
        }
    }
}

/// What requests see is what the naive twin has: at once where nothing waits to be published.
#[derive(Debug, Default)]
pub struct ViewIsModel {
    /// The twin's revision that was found to be what requests see.
    seen: u64,
}

impl Law for ViewIsModel {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Published { changed, due, .. } = happened else {
            return Ok(());
        };
        if changed.is_empty() && due.is_none() && self.seen == world.model.revision {
            return Ok(());
        }
        if due.is_none() {
            self.seen = world.model.revision;
        }
        let readiness = world.view.readiness();
        for (index, published) in world.published.iter().enumerate() {
            let age = published.at.map_or(Duration::MAX, |at| world.now.since(at));
            let waits =
                due.is_some() && !changed.contains(&index) && age < Duration::from_millis(50);
            if !waits {
                compare(world, index, published)?;
            }
            let told = readiness
                .partitions
                .get(index)
                .map(|told| (told.ready, told.total));
            let seen = Some((published.ready.len(), published.picker.total()));
            ensure(told == seen, || {
                format!("readiness tells {told:?} of {seen:?}")
            })?;
        }
        Ok(())
    }
}

fn compare(world: &World, index: usize, published: &Published) -> Result<(), Broken> {
    let ready: BTreeSet<_> = published.ready.keys().copied().collect();
    let expected = world.model.ready(index);
    ensure(ready == expected, || {
        format!("ready in {index}: {ready:?}, expected {expected:?}")
    })?;
    let ejected: BTreeSet<_> = published.ejected.keys().copied().collect();
    let expected = world.model.ejected(index);
    ensure(ejected == expected, || {
        format!("ejected in {index}: {ejected:?}, expected {expected:?}")
    })?;
    let (total, expected) = (published.picker.total(), world.model.total(index));
    ensure(total == expected, || {
        format!("{total} listed in {index}, expected {expected}")
    })
}

/// A new picker names each candidate once: those in range of an amount by the published readings, the
/// other ready ones, the ejected.
#[derive(Debug, Default)]
pub struct CandidatesInOrder {
    publications: u64,
}

impl Law for CandidatesInOrder {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Published { changed, .. } = happened else {
            return Ok(());
        };
        for index in changed {
            self.publications += 1;
            let published = &world.published[*index];
            // Each candidate of a large fleet costs a look at all: now and then.
            if published.len() > 64 && !self.publications.is_multiple_of(16) {
                continue;
            }
            for late in [Duration::ZERO, world.settings.reading_lifetime() / 2] {
                let msat = [1_000, 50_000_000, 800_000_000, 2_000_000_000];
                let msat = msat[(self.publications % 4) as usize];
                judge(world, published, Millisatoshi::new(msat), late)?;
            }
        }
        Ok(())
    }
}

fn judge(
    world: &World,
    published: &Published,
    amount: Millisatoshi,
    late: Duration,
) -> Result<(), Broken> {
    let now = world.now + late;
    let mut rng = StdRng::seed_from_u64(world.step);
    let candidates = published.picker.candidates(&pick(now, amount), &mut rng);
    let named: Vec<NodeId> = candidates.map(|node| node.id()).collect();
    let once: BTreeSet<_> = named.iter().copied().collect();
    ensure(
        once.len() == named.len() && once.len() == published.len(),
        || format!("{named:?} of {} candidates", published.len()),
    )?;
    let biased = world.settings.bias.is_some();
    let ranks = named
        .iter()
        .map(|id| published.rank(*id, amount, now, biased));
    let ranks: Vec<_> = ranks.collect();
    ensure(
        ranks.is_sorted() && ranks.iter().all(Option::is_some),
        || format!("{named:?} stand in the order of {ranks:?} for {amount:?} at {now:?}"),
    )
}
