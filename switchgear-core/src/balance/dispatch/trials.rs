use std::sync::Arc;

use rand_core::Rng;

use super::Dispatch;
use crate::{
    Moment,
    balance::{Picker, strategy::scale_to_place},
    ln::NoInvoice,
};

/// Asking nodes that are not ready.
impl Dispatch {
    /// Asks the nodes that are not ready, one after the other. Those that other requests are trying are left
    /// to them meanwhile: when such a trial is over, whoever waits for it tries the node itself. When nobody
    /// is left, the round is over; behind the `last` trials, the request is.
    pub(super) fn try_dormant(
        &mut self,
        last: bool,
        now: Moment,
        picker: Option<&Arc<Picker>>,
        rng: &mut dyn Rng,
    ) -> Option<Moment> {
        let found = if self.in_flight.is_empty() {
            self.start_trial(now, picker, rng)
        } else {
            Dormant::Busy
        };
        match found {
            Dormant::Tried => {}
            Dormant::Busy => return Some(self.next_wake(Some(now + Self::LOOK_AGAIN))),
            Dormant::Nobody if last => self.give_up(now),
            Dormant::Nobody => {
                let for_anyone = picker.is_none_or(|picker| picker.ready().is_empty());
                self.rest(now, rng, for_anyone);
            }
        }
        None
    }

    fn give_up(&mut self, now: Moment) {
        let reason = match self.attempts {
            0 => NoInvoice::NoNode,
            _ => NoInvoice::Exhausted,
        };
        self.finish(Err(reason), now);
    }

    /// While the request waits for its next round, asks the nodes that are not ready, one after the other:
    /// all others have failed it, and one whose checks are late or fail now and then may still answer.
    /// A trial that lasts longer than the wait goes on beside the next round.
    pub(super) fn try_beside_back_off(
        &mut self,
        until: Moment,
        now: Moment,
        picker: Option<&Arc<Picker>>,
        rng: &mut dyn Rng,
    ) -> Option<Moment> {
        if self.in_flight.is_empty() && matches!(self.start_trial(now, picker, rng), Dormant::Tried)
        {
            return None;
        }
        Some(self.next_wake(Some(until)))
    }

    /// Asks a node that is not ready, that this round has not asked, and that no other request is trying.
    fn start_trial(
        &mut self,
        now: Moment,
        picker: Option<&Arc<Picker>>,
        rng: &mut dyn Rng,
    ) -> Dormant {
        let nodes = picker.map_or(&[][..], |picker| &picker.dormant);
        // Not all requests begin with the same one, or those behind it would have to wait for it.
        let (before, from) = nodes.split_at(scale_to_place(rng.next_u64(), nodes.len()));
        let left: Vec<_> = from
            .iter()
            .chain(before)
            .filter(|node| node.is_open() && !self.asked.contains(node.id()))
            .collect();
        let left_to_try = left.len().min(self.quota());
        if left_to_try == 0 {
            return Dormant::Nobody;
        }
        let found = left
            .into_iter()
            .find_map(|node| Some((Arc::clone(node), node.try_trial()?)));
        let Some((node, trial)) = found else {
            return Dormant::Busy;
        };
        self.asked.ask(node.id());
        self.start(now, node, left_to_try, Some(trial));
        Dormant::Tried
    }
}

/// What a look for a node to try has found.
#[derive(Debug, Clone, Copy)]
enum Dormant {
    /// One, which is being asked.
    Tried,
    /// Some that are being tried, by this request or by others.
    Busy,
    /// None that this round may still try.
    Nobody,
}
