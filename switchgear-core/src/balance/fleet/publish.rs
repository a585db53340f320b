use std::{cmp::Reverse, collections::BTreeSet, sync::Arc, time::Duration};

use super::{Entry, Fleet, entry::Standing, roster::Roster};
use crate::{
    Moment,
    balance::{FleetConfig, Picker, Seats, ranges::Ranges},
};

impl Fleet {
    /// A partition's picker is published no more often than this.
    pub const PUBLICATION_PERIOD: Duration = Duration::from_millis(50);

    /// Lets requests see what has changed: builds anew the pickers of the partitions concerned, and swaps
    /// in each. A partition whose last publication is younger than [`Self::PUBLICATION_PERIOD`] waits, so that many changes make
    /// one publication; the answer says until when, to publish again. Only a partition that a node has
    /// left does not wait.
    pub fn publish(&mut self, now: Moment) -> Option<Moment> {
        let mut next: Option<Moment> = None;
        if !self.known || self.awaited > 0 {
            self.settling = None;
        } else if self.settling.is_none() {
            self.settling = Some(self.dirty.clone());
        }
        for number in std::mem::take(&mut self.dirty) {
            let Some(roster) = self.rosters.get_mut(number.0) else {
                continue;
            };
            let urgent = self.urgent.remove(&number);
            if let Some(due) = roster.wait(now).filter(|_| !urgent) {
                self.dirty.insert(number);
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            roster.set_published(now);
            if let Some(settling) = &mut self.settling {
                settling.remove(&number);
            }
            let members = roster.members.iter().filter_map(|id| self.entries.get(id));
            let picker = picker(&self.config, roster, members, now);
            self.view.publish(number, picker);
            if self.config.capacity_bias.is_some() {
                for id in &roster.members {
                    if let Some(entry) = self.entries.get_mut(id) {
                        entry.published_reading = entry.reading.map(|reading| reading.at);
                    }
                }
            }
        }
        if self.settling.as_ref().is_some_and(BTreeSet::is_empty) {
            self.view.settle();
        }
        next
    }
}

/// A picker over these members of a partition.
pub(super) fn picker<'a>(
    config: &FleetConfig,
    roster: &Roster,
    members: impl Iterator<Item = &'a Entry>,
    now: Moment,
) -> Picker {
    let [mut ready, mut ejected, mut dormant] = [const { Vec::<&Entry>::new() }; 3];
    for entry in members {
        match entry.standing() {
            Standing::Out => {}
            Standing::Dormant => dormant.push(entry),
            Standing::Ejected => ejected.push(entry),
            Standing::Ready => ready.push(entry),
        }
    }
    let mut eligible: Vec<_> = [&ready, &ejected, &dormant]
        .into_iter()
        .flatten()
        .map(|entry| entry.node.id())
        .collect();
    eligible.sort_unstable();
    let ranges = sort_by_range(config, &mut ready, now);
    let seats = Seats::new(ready.iter().filter_map(|entry| {
        let weight = entry.backend.weight.non_zero()?;
        Some((Arc::clone(&entry.node), weight))
    }));
    let nodes = |entries: Vec<&Entry>| {
        entries
            .iter()
            .map(|entry| Arc::clone(&entry.node))
            .collect()
    };
    Picker {
        chooser: config.strategy.prepare(&seats),
        seats,
        turns: Arc::clone(&roster.turns),
        ranges,
        ejected: nodes(ejected),
        dormant: nodes(dormant),
        eligible: eligible.into(),
        total: roster.members.len(),
    }
}

/// With a capacity bias, brings the nodes into falling order of what they are in range of, those without
/// a reading that counts last.
fn sort_by_range(config: &FleetConfig, ready: &mut [&Entry], now: Moment) -> Option<Ranges> {
    let bias = config.capacity_bias?;
    let range = |entry: &Entry| {
        let reading = entry.reading?;
        let until = reading.at + config.reading_lifetime;
        (now <= until).then(|| (bias.limit(reading.inbound), until))
    };
    // Stable: among equals, in the order of the ids.
    ready.sort_by_cached_key(|entry| Reverse(range(entry).map(|(limit, _)| limit)));
    Some(Ranges::new(ready.iter().map_while(|entry| range(entry))))
}
