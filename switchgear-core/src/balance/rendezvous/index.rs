//! Finding the best of many nodes without looking at each.

use std::{cmp::Reverse, num::NonZeroU16};

use super::{
    group::Group,
    podium::Best,
    seats::{Classes, Seats, class_of},
    seeker::Seeker,
};

/// Nodes by cell: those of like weight together, where they are many.
#[derive(Debug)]
pub(super) struct Index {
    groups: Box<[Group]>,
    /// The few of weights that would hide a group's other nodes, and the seats that they have.
    others: Seats,
    others_seats: Box<[u32]>,
}

impl Index {
    /// The fewest seats for which going through cells beats going through seats.
    const LEAST: usize = 280;
    /// How many seats a group has before it need not take lighter ones as well.
    const ENOUGH: usize = 1_024;
    /// How many times a group outweighs its heaviest seat at the least: of so many, one arrives in the
    /// first round for all but one in e^9 keys.
    const OUTWEIGHS: u64 = 150;
    /// The most seats of which one group names some, so that 16 bits do.
    const SPAN: usize = u16::MAX as usize;

    /// Sorts these seats; none if that serves nothing.
    pub(super) fn new(seats: &Seats) -> Option<Self> {
        let (mut groups, mut others) = (Vec::new(), Vec::new());
        for (base, weights) in (0..)
            .step_by(Self::SPAN)
            .zip(seats.weights.chunks(Self::SPAN))
        {
            group(seats, base, weights, &mut groups, &mut others);
        }
        // The heaviest first: they arrive early and spare the search among others.
        groups.sort_by_key(|group: &Group| Reverse(group.heaviest()));
        others.sort_unstable();
        if groups.is_empty() {
            return None;
        }
        let nodes = others
            .iter()
            .filter_map(|seat: &u32| seats.get(*seat as usize));
        Some(Self {
            others: Seats::new(nodes),
            groups: groups.into(),
            others_seats: others.into(),
        })
    }

    /// Offers what may be the best of the seats below `within`.
    pub(super) fn search(&self, seeker: &Seeker, seats: &Seats, within: usize, best: &mut Best) {
        self.search_others(seeker, within, best);
        for group in &self.groups {
            group.search(seeker, seats, within, best);
            if !group.is_settled_by(best) {
                let all = group.seats().filter(|seat| *seat < within);
                seeker.scan_among(seats, all, best);
            }
        }
    }

    fn search_others(&self, seeker: &Seeker, within: usize, best: &mut Best) {
        if self.others_seats.is_empty() {
            return;
        }
        let below = |seat: &u32| (*seat as usize) < within;
        let within = self.others_seats.partition_point(below);
        seeker.scan(&self.others, within, 1, best);
        best.rename(|place| self.others_seats.get(place).map(|seat| *seat as usize));
    }
}

/// Puts the seats from `base` on, which have these weights, into groups that outweigh each of their
/// seats often enough, and the rest into `others`.
fn group(
    seats: &Seats,
    base: u32,
    weights: &[NonZeroU16],
    groups: &mut Vec<Group>,
    others: &mut Vec<u32>,
) {
    let mut classes: [Vec<u16>; Classes::COUNT] = Default::default();
    for (seat, weight) in (0..u16::MAX).zip(weights) {
        classes[class_of(*weight)].push(seat);
    }
    let weigh = |seat: &u16| {
        weights
            .get(usize::from(*seat))
            .map_or(0, |weight| u64::from(weight.get()))
    };
    let mut lists: Vec<Vec<u16>> = Vec::new();
    let mut light = Classes::COUNT;
    while let Some(heavy) = light.checked_sub(1) {
        let mut members = Vec::new();
        while light > 0 && members.len() < Index::ENOUGH {
            light -= 1;
            members.extend_from_slice(&classes[light]);
        }
        let heaviest = members.iter().map(weigh).max().unwrap_or(0);
        let all: u64 = members.iter().map(weigh).sum();
        if members.len() >= Index::LEAST && all >= Index::OUTWEIGHS * heaviest {
            lists.push(members);
            continue;
        }
        light = heavy;
        match lists.last_mut() {
            // In a group of heavier ones they are seldom the best, and so they do not hide them.
            Some(list) => list.extend_from_slice(&classes[heavy]),
            None => others.extend(classes[heavy].iter().map(|seat| base + u32::from(*seat))),
        }
    }
    groups.extend(
        lists
            .iter()
            .filter_map(|members| Group::new(seats, base, members)),
    );
}
