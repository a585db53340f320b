use super::{Score, podium::Podium};

/// Some seats in order, best first: as many as one look at all seats brings.
#[derive(Debug, Clone, Copy)]
pub(in crate::balance) struct Batch {
    /// Where the batch before ended.
    after: Option<Score>,
    ranked: [Option<(usize, Score)>; Self::SIZE],
}

impl Batch {
    /// How many seats it holds.
    pub(in crate::balance) const SIZE: usize = 8;

    pub(super) fn after(after: Option<Score>) -> Self {
        Self {
            after,
            ranked: [None; Self::SIZE],
        }
    }

    /// The seats, best first.
    pub(in crate::balance) fn seats(&self) -> impl Iterator<Item = usize> {
        self.ranked.into_iter().map_while(|ranked| Some(ranked?.0))
    }

    /// The last seat's score, from which the next batch goes on; none when there was nobody left.
    pub(in crate::balance) fn last(&self) -> Option<Score> {
        let last = self.ranked.iter().rev().find_map(|ranked| *ranked);
        last.map(|(_, score)| score)
    }
}

impl Podium for Batch {
    fn offer(&mut self, seat: usize, score: Score) {
        // A seat may be offered twice, where a first look did not bring enough.
        let held = self.ranked.iter().flatten().any(|(held, _)| *held == seat);
        if held || self.after.is_some_and(|after| score <= after) {
            return;
        }
        // The newcomer sinks to its place, and the last falls off.
        let mut carried = Some((seat, score));
        for place in &mut self.ranked {
            let beats = match (&carried, &*place) {
                (Some((_, new)), Some((_, old))) => new < old,
                (Some(_), None) => true,
                (None, _) => break,
            };
            if beats {
                std::mem::swap(&mut carried, place);
            }
        }
    }

    fn bar(&self) -> Option<&Score> {
        self.ranked.last()?.as_ref().map(|(_, score)| score)
    }
}
