use super::Score;

/// What keeps the best of the seats that are offered to it.
pub(super) trait Podium {
    /// Takes the seat if it is good enough.
    fn offer(&mut self, seat: usize, score: Score);

    /// The score that a further seat must beat; none while there is room.
    fn bar(&self) -> Option<&Score>;
}

/// A podium for one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Best(Option<(usize, Score)>);

impl Best {
    /// Who stands there.
    #[inline]
    pub(super) fn seat(&self) -> Option<usize> {
        self.0.map(|(seat, _)| seat)
    }

    /// Calls the seat by another name.
    pub(super) fn rename(&mut self, name: impl Fn(usize) -> Option<usize>) {
        self.0 = self.0.and_then(|(seat, score)| Some((name(seat)?, score)));
    }
}

impl Podium for Best {
    #[inline]
    fn offer(&mut self, seat: usize, score: Score) {
        // A choice between values: a branch would often be guessed wrong.
        let better = self.0.is_none_or(|(_, best)| score.is_before(&best));
        self.0 = if better { Some((seat, score)) } else { self.0 };
    }

    #[inline]
    fn bar(&self) -> Option<&Score> {
        self.0.as_ref().map(|(_, score)| score)
    }
}
