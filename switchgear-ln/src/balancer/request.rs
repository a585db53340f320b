use std::sync::Arc;

use switchgear_core::{
    Moment,
    balance::{Action, AttemptId, Call, Dispatch, DispatchRequest, Event, Outcome, Verdict},
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
    asked: Vec<(AttemptId, Verdict, Moment)>,
    invoice: Option<Invoice>,
    signals: Option<Signals>,
}

impl<'a> Request<'a> {
    /// `None` when the request's partition is not served.
    pub(super) fn new(shared: &'a Shared, request: &InvoiceRequest) -> Option<Self> {
        let config = shared.config.dispatch();
        let essence = DispatchRequest::of(request, &shared.view)?;
        Some(Self {
            dispatch: Dispatch::new(config, essence, shared.now()),
            shared,
            request: Arc::new(request.clone()),
            started: Instant::now(),
            calls: Calls::default(),
            asked: Vec::new(),
            invoice: None,
            signals: None,
        })
    }

    pub(super) async fn run(mut self) -> Result<IssuedInvoice, NoInvoice> {
        loop {
            let (now, view) = (self.shared.now(), &self.shared.view);
            let action = self.dispatch.poll(now, view, &mut rand::rng());
            match action {
                Action::Start(call) => self.start(call),
                Action::Cancel(attempt) => self.cancel(attempt),
                Action::Detach(attempt) => self.detach(attempt),
                Action::Report(report) => drop(self.shared.reports.try_send(report)),
                Action::Refresh => self.signals = Some(self.shared.refresh.ask()),
                Action::WaitUntil(until) => self.wait(until).await,
                Action::Done(result) => return self.finish(result),
            }
        }
    }

    fn start(&mut self, call: Call) {
        let id = call.attempt();
        self.asked.push((id, call.verdict().clone(), call.limit()));
        self.calls
            .push(id, attempt(self.shared, call, &self.request));
    }

    fn cancel(&mut self, attempt: AttemptId) {
        if self.calls.remove(attempt).is_none() {
            return;
        }
        let Some((verdict, limit)) = self.whom(attempt) else {
            return;
        };
        if limit <= self.shared.now()
            && let Some(client) = self.shared.clients.get(verdict.node().id())
        {
            warn!("node {} gave no invoice in time", client.label());
        }
    }

    /// Hands a call over to the driver; where that is too busy, the call is dropped and its node
    /// probed by a later request.
    fn detach(&mut self, attempt: AttemptId) {
        let call = self.calls.remove(attempt);
        if let (Some(attempt), Some((verdict, limit))) = (call, self.whom(attempt)) {
            let until = self.shared.instant(limit);
            let verdict = verdict.clone();
            drop(self.shared.detached.try_send(Detached {
                verdict,
                until,
                attempt,
            }));
        }
    }

    /// Waits for the moment, an answer, or, once nobody was ready, news of the fleet.
    async fn wait(&mut self, until: Moment) {
        let until = self.shared.instant(until);
        let (calls, signals) = (&mut self.calls, &mut self.signals);
        tokio::select! {
            (attempt, result) = calls.next() => self.answer(attempt, result),
            event = next_signal(signals) => if let Some(event) = event {
                self.dispatch.handle(event, self.shared.now());
            },
            () = sleep_until(until) => {}
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
        let event = Event::Answer { attempt, outcome };
        self.dispatch.handle(event, self.shared.now());
    }

    fn finish(self, result: Result<AttemptId, NoInvoice>) -> Result<IssuedInvoice, NoInvoice> {
        let attempt = result?;
        let (verdict, _) = self.whom(attempt).ok_or(NoInvoice::Exhausted)?;
        let node = verdict.node().address().clone();
        Ok(IssuedInvoice {
            node,
            attempts: self.dispatch.attempts(),
            elapsed: self.started.elapsed(),
            invoice: self.invoice.ok_or(NoInvoice::Exhausted)?,
        })
    }

    fn whom(&self, attempt: AttemptId) -> Option<(&Verdict, Moment)> {
        self.asked
            .iter()
            .find(|(id, ..)| *id == attempt)
            .map(|(_, verdict, limit)| (verdict, *limit))
    }
}

/// The end of a refresh, or `None` for other news; for ever while the request does not listen.
async fn next_signal(signals: &mut Option<Signals>) -> Option<Event> {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
