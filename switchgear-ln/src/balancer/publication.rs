use std::collections::VecDeque;

use switchgear_core::{Moment, balance::Fleet};

use super::refresh::Refresh;

/// What requests see of the fleet's changes, and what they are told once they see them.
///
/// A change may wait for its partition's next publication. Who waits for a node must not hear that
/// discovery or a refresh is done, and conclude that there is none, before what came of it is published.
#[derive(Debug, Default)]
pub(super) struct Publication {
    /// When to publish what waits.
    due: Option<Moment>,
    /// Whether something happened that those who wait look at.
    woken: bool,
    /// In order, each with the moment by when all that came before it is published.
    notices: VecDeque<(Moment, Notice)>,
}

/// What is told once requests see all that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// A look at discovery, which began at this moment, was answered.
    Discovered(Moment),
    /// The shared refresh is over, for so many of those who have asked for one.
    Refreshed(u64),
}

impl Publication {
    /// Has those who wait look at the fleet again.
    pub(super) fn wake(&mut self) {
        self.woken = true;
    }

    /// Takes note of what is to be told of `now`.
    pub(super) fn tell(&mut self, notice: Notice, now: Moment) {
        // No change waits longer than the time between two publications of its partition.
        let by = now + Fleet::PUBLICATION_PERIOD;
        self.notices.push_back((by, notice));
        self.wake();
    }

    /// Publishes what may be, and tells of it; the answer is when to do so again.
    pub(super) fn publish(
        &mut self,
        fleet: &mut Fleet,
        refresh: &Refresh,
        now: Moment,
    ) -> Option<Moment> {
        let due = fleet.publish(now);
        let before = std::mem::replace(&mut self.due, due);
        // What waited was published; what did not wait was news when it happened.
        self.woken |= before.is_some() && before != due;
        let mut refreshed = None;
        while let Some(notice) = self.next_seen(now) {
            self.woken = true;
            match notice {
                Notice::Discovered(asked) => fleet.discovered(asked),
                Notice::Refreshed(served) => refreshed = Some(served),
            }
        }
        if std::mem::take(&mut self.woken) {
            refresh.view_changed();
        }
        if let Some(served) = refreshed {
            refresh.finish(served);
        }
        let notice = self.notices.front().map(|(by, _)| *by);
        due.into_iter().chain(notice).min()
    }

    /// The next notice, if all that came before it is published.
    fn next_seen(&mut self, now: Moment) -> Option<Notice> {
        let (by, notice) = *self.notices.front()?;
        if self.due.is_some() && now < by {
            return None;
        }
        self.notices.pop_front();
        Some(notice)
    }
}
