use std::{future::poll_fn, task::Poll};

use switchgear_core::{
    balance::AttemptId,
    ln::{Invoice, LnError},
};

use super::attempt::Attempt;

/// The calls of one request, seldom more than two, each to be taken out by name.
#[derive(Default)]
pub(super) struct Calls(Vec<(AttemptId, Attempt)>);

impl Calls {
    pub(super) fn push(&mut self, attempt: AttemptId, call: Attempt) {
        self.0.push((attempt, call));
    }

    /// Takes a call out; dropping it cancels it.
    pub(super) fn remove(&mut self, attempt: AttemptId) -> Option<Attempt> {
        let index = self.0.iter().position(|(id, _)| *id == attempt)?;
        Some(self.0.swap_remove(index).1)
    }

    /// Waits for the first call to end, and takes it out. For ever, when there is none.
    pub(super) async fn next(&mut self) -> (AttemptId, Result<Invoice, LnError>) {
        poll_fn(|context| {
            for (index, (attempt, call)) in self.0.iter_mut().enumerate() {
                if let Poll::Ready(result) = call.as_mut().poll(context) {
                    let attempt = *attempt;
                    drop(self.0.swap_remove(index));
                    return Poll::Ready((attempt, result));
                }
            }
            Poll::Pending
        })
        .await
    }
}
