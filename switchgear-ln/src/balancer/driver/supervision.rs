use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use async_trait::async_trait;
use switchgear_core::{
    backend::Backend,
    balance::{NodeId, Outcome},
    ln::{Invoice, InvoiceRequest, LnClient, LnError, LnErrorKind, NodeStatus},
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    task::{Id, JoinError},
    time::timeout_at,
};
use tracing::error;

use super::{Done, Driver};
use crate::balancer::{
    attempt::Detached,
    clients::{Label, NodeClient},
    clock::Checked,
    now_since,
};

/// What becomes of tasks.
impl Driver {
    /// Lets a call whose request is over go on until its limit.
    pub(super) fn let_go_on(&mut self, detached: Detached) {
        let Detached {
            verdict,
            until,
            attempt,
        } = detached;
        let origin = self.origin;
        self.tasks.spawn(async move {
            let ended = timeout_at(until, attempt).await;
            let now = now_since(origin);
            Done::Call(match ended {
                Ok(Ok(_)) => verdict.of(Outcome::Invoice, now),
                Ok(Err(error)) => verdict.of(Outcome::Failed(error.blame()), now),
                Err(_) => verdict.late(now),
            })
        });
    }

    pub(super) fn take_done(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((_, Done::Snapshot(answer))) => self.take_snapshot(answer),
            Ok((_, Done::Call(Some(report)))) => self.take_report(report),
            Ok((_, Done::Call(None) | Done::Clock | Done::Listening)) => {}
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.restart(&error),
        }
    }

    /// After a panic: that of a check is a failed check, and the node's clock starts anew; that of
    /// discovery is an answer that did not come, or news to be heard from later on.
    fn restart(&mut self, panic: &JoinError) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        let task = panic.id();
        if let Some((node, client)) = self.checked_by(task) {
            error!(
                "the health check of node {} failed: {panic}",
                client.label()
            );
            self.restart_clock(node, client);
            return;
        }
        error!("a background task failed: {panic}");
        if self.asking_task == Some(task) {
            self.take_snapshot(Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "the store's own code failed",
            )));
        } else if self.listening_task == Some(task) {
            // Later: what panics at once must not spin.
            self.listen(self.period());
        }
    }

    /// Whose clock a task is.
    fn checked_by(&self, task: Id) -> Option<(NodeId, Arc<NodeClient>)> {
        let node = self.clocks.node_of(task)?;
        Some((node, self.clients.get(node)?))
    }

    fn restart_clock(&mut self, node: NodeId, client: Arc<NodeClient>) {
        // Later: a check that panics at once must not spin.
        self.start_clock(node, Arc::clone(&client), self.config.health_period);
        self.take_check(Checked {
            node,
            client,
            refresh: self.clocks.last_refresh(),
            result: Err(LnError::new(LnErrorKind::Internal, "its check failed")),
        });
    }

    /// A client of the backend; where the connector's own code fails, one that says so.
    pub(super) fn client_of(&self, backend: &Backend) -> Arc<dyn LnClient> {
        let connecting = AssertUnwindSafe(|| self.connector.connect(backend));
        catch_unwind(connecting).unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            error!("no client could be made of node {}", Label(backend));
            Arc::new(NoClient)
        })
    }
}

/// Stands for a client that could not be made.
#[derive(Debug)]
struct NoClient;

impl NoClient {
    fn error() -> LnError {
        LnError::new(LnErrorKind::Internal, "no client could be made of it")
    }
}

#[async_trait]
impl LnClient for NoClient {
    async fn invoice(&self, _request: &InvoiceRequest) -> Result<Invoice, LnError> {
        Err(Self::error())
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        Err(Self::error())
    }
}
