use std::{sync::Arc, time::Duration};

use switchgear_core::{
    Moment,
    balance::{Action, AttemptId, Call, Dispatch, Event, Node, Outcome},
    ln::{Invoice, InvoiceRequest, IssuedInvoice, LnError, NoInvoice},
};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{
    Shared,
    attempt::{Detached, attempt},
    calls::Calls,
    refresh::Signals,
};

/// One invoice request on its way: a [`Dispatch`], and the calls that it asked for.
pub(super) struct Request<'a> {
    shared: &'a Shared,
    request: Arc<InvoiceRequest>,
    started: Instant,
    dispatch: Dispatch,
    calls: Calls,
    /// Whom each call asks, and when it must end.
    asked: Vec<(AttemptId, Arc<Node>, Moment)>,
    invoice: Option<Invoice>,
    signals: Option<Signals>,
}

impl<'a> Request<'a> {
    pub(super) fn new(shared: &'a Shared, request: &InvoiceRequest) -> Self {
        let config = shared.config.dispatch();
        Self {
            dispatch: Dispatch::new(config, request.partition.clone(), shared.now()),
            shared,
            request: Arc::new(request.clone()),
            started: Instant::now(),
            calls: Calls::default(),
            asked: Vec::new(),
            invoice: None,
            signals: None,
        }
    }

    pub(super) async fn run(mut self) -> Result<IssuedInvoice, NoInvoice> {
        loop {
            let view = self.shared.view.load();
            let now = self.shared.now();
            let action = self.dispatch.poll(now, &view, &mut rand::rng());
            drop(view);
            match action {
                Action::Start(call) => self.start(call),
                Action::Cancel(attempt) => self.cancel(attempt),
                Action::Detach(attempt) => self.detach(attempt),
                Action::Report(report) => drop(self.shared.reports.try_send(report)),
                Action::Refresh => {
                    self.signals = Some(self.shared.refresh.signals());
                    self.shared.refresh.ask();
                }
                Action::WaitUntil(until) => self.wait(until).await,
                Action::Done(result) => return self.finish(result),
            }
        }
    }

    fn start(&mut self, call: Call) {
        let id = call.attempt();
        self.asked.push((id, Arc::clone(call.node()), call.limit()));
        self.calls
            .push(id, attempt(self.shared, call, &self.request));
    }

    fn cancel(&mut self, attempt: AttemptId) {
        if self.calls.remove(attempt).is_none() {
            return;
        }
        let Some((node, limit)) = self.whom(attempt) else {
            return;
        };
        if limit <= self.shared.now()
            && let Some(client) = self.shared.clients.get(node.id())
        {
            warn!("node {} gave no invoice in time", client.label());
        }
    }

    /// Hands a call over to the driver; where that is too busy, the call is dropped and its node
    /// probed by a later request.
    fn detach(&mut self, attempt: AttemptId) {
        let call = self.calls.remove(attempt);
        if let (Some(attempt), Some((node, limit))) = (call, self.whom(attempt)) {
            let until = self.instant(limit);
            let node = Arc::clone(node);
            drop(self.shared.detached.try_send(Detached {
                node,
                until,
                attempt,
            }));
        }
    }

    /// Waits for the moment, an answer, or news of the fleet while nobody is being asked.
    async fn wait(&mut self, until: Moment) {
        let until = self.instant(until);
        if self.calls.is_empty() {
            let signals = self
                .signals
                .get_or_insert_with(|| self.shared.refresh.signals());
            tokio::select! {
                event = signals.next() => if let Some(event) = event {
                    self.dispatch.handle(event);
                },
                () = sleep_until(until) => {}
            }
        } else {
            tokio::select! {
                (attempt, result) = self.calls.next() => self.answer(attempt, result),
                () = sleep_until(until) => {}
            }
        }
    }

    fn answer(&mut self, attempt: AttemptId, result: Result<Invoice, LnError>) {
        let outcome = match result {
            Ok(invoice) => {
                self.invoice = Some(invoice);
                Outcome::Invoice
            }
            Err(error) => Outcome::Failed(error.blame()),
        };
        self.dispatch.handle(Event::Answer { attempt, outcome });
    }

    fn finish(self, result: Result<AttemptId, NoInvoice>) -> Result<IssuedInvoice, NoInvoice> {
        let attempt = result?;
        let (node, _) = self.whom(attempt).ok_or(NoInvoice::Exhausted)?;
        let node = node.address().clone();
        Ok(IssuedInvoice {
            node,
            attempts: self.dispatch.attempts(),
            elapsed: self.started.elapsed(),
            invoice: self.invoice.ok_or(NoInvoice::Exhausted)?,
        })
    }

    fn whom(&self, attempt: AttemptId) -> Option<(&Arc<Node>, Moment)> {
        self.asked
            .iter()
            .find(|(id, ..)| *id == attempt)
            .map(|(_, node, limit)| (node, *limit))
    }

    fn instant(&self, moment: Moment) -> Instant {
        let origin = self.shared.origin;
        let elapsed = Duration::from_nanos(moment.as_nanos());
        // A moment beyond what the clock can say lies beyond every deadline.
        origin.checked_add(elapsed).unwrap_or(self.started)
    }
}
