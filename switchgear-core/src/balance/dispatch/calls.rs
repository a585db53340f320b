use std::sync::Arc;

use super::{Action, AttemptId, Call, Dispatch, Outcome, Phase, Verdict, call::InFlightCall};
use crate::{
    Moment,
    balance::{Node, node::Trial},
    ln::NoInvoice,
};

impl Dispatch {
    /// Starts a call whose limit is its share of the time left among `left` candidates, within bounds.
    pub(super) fn start(
        &mut self,
        now: Moment,
        node: Arc<Node>,
        left: usize,
        trial: Option<Trial>,
    ) {
        let share = self.deadline.since(now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
        let limit = share
            .max(Self::SHORTEST_ATTEMPT)
            .min(self.config.attempt_limit);
        let attempt = AttemptId(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        let fair = limit >= self.config.attempt_limit.min(Self::FAIR_ATTEMPT);
        let verdict = Verdict {
            node: Arc::clone(&node),
            started: now,
            charge: limit,
            on_trial: trial.is_some(),
            fair,
        };
        let limit = (now + limit).min(self.deadline);
        self.in_flight.push(InFlightCall {
            attempt,
            limit,
            verdict: verdict.clone(),
        });
        self.queue.push_back(Action::Start(Call::new(
            attempt, node, limit, trial, verdict,
        )));
    }

    /// Gives up the calls whose limit has passed.
    pub(super) fn expire(&mut self, now: Moment) {
        while let Some(index) = self.in_flight.iter().position(|call| now >= call.limit) {
            let call = self.in_flight.swap_remove(index);
            self.queue.push_back(Action::Cancel(call.attempt));
            if call.verdict.fair {
                let report = call.verdict.late(now);
                self.queue.extend(report.map(Action::Report));
            } else {
                self.doubtful.push(call.verdict);
            }
        }
    }

    pub(super) fn answer(&mut self, attempt: AttemptId, outcome: Outcome, now: Moment) {
        let position = self
            .in_flight
            .iter()
            .position(|call| call.attempt == attempt);
        let Some(index) = position else {
            return; // It came after its limit, and was counted then.
        };
        let call = self.in_flight.swap_remove(index);
        self.queue
            .extend(call.verdict.of(outcome, now).map(Action::Report));
        if outcome == Outcome::Invoice {
            self.finish(Ok(attempt), now);
        }
    }

    /// Ends the request. A node that had little time is to blame for being late only if another one was
    /// not: else a slow fleet would put itself aside. Calls whose verdict somebody waits for go on alone: a trial, which may take its
    /// node back, and a call that a hedge overtook, which else would never count against a node that
    /// hangs.
    pub(super) fn finish(&mut self, result: Result<AttemptId, NoInvoice>, now: Moment) {
        // Where another node had an invoice to give, there was time enough.
        let doubtful = std::mem::take(&mut self.doubtful).into_iter();
        let late = doubtful.filter(|_| result.is_ok());
        self.queue.extend(
            late.filter_map(|verdict| verdict.late(now))
                .map(Action::Report),
        );
        let overtaken = result.is_ok() && self.config.hedge_after.is_some();
        let calls = self.in_flight.drain(..);
        self.queue.extend(calls.map(|call| {
            if overtaken || call.verdict.on_trial {
                Action::Detach(call.attempt)
            } else {
                call.verdict.overtaken(now);
                Action::Cancel(call.attempt)
            }
        }));
        self.queue.push_back(Action::Done(result));
        self.phase = Phase::Done;
    }

    pub(super) fn next_wake(&self, hedge_at: Option<Moment>) -> Moment {
        self.in_flight
            .iter()
            .map(|call| call.limit)
            .chain(hedge_at)
            .fold(self.deadline, Moment::min)
    }
}
