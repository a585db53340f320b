use std::{error::Error, iter, sync::Arc, time::Duration};

use switchgear_core::{
    backend::{Domain, NodeUrl},
    ln::{LnError, LnErrorKind},
};
use tonic::{Response, Status};

use super::{
    call_failure::CallFailure,
    channel::Channel,
    credentials::{CredentialSource, Trusted as _, Versioned, Watched},
    failure::{connect_failure, transport_failure, was_never_sent},
    file::CredentialError,
    link::{Connection, Link},
    target::Target,
};

/// The way to a node of any kind: its credentials, and the connection that is made with them.
///
/// A call is made once. There is a second time in two cases, both of which the node did nothing for:
/// it has not taken the call, which it said or the connection was closing before; or it refused the
/// credentials (by its answer, or as a connection was made) and their files hold others by now. A call
/// that may have reached the node is never repeated, whatever became of the connection.
#[derive(Debug)]
pub(crate) struct Node<S: CredentialSource> {
    credentials: Watched<S>,
    link: Link,
    classify: fn(Status) -> LnError,
}

impl<S: CredentialSource> Node<S> {
    /// Reads and connects nothing. `classify` says what a status that the node answered means.
    ///
    /// # Errors
    /// What is wrong with the address, in words.
    pub(crate) fn try_new(
        url: &NodeUrl,
        domain: Option<&Domain>,
        source: S,
        timeout: Duration,
        classify: fn(Status) -> LnError,
    ) -> Result<Self, String> {
        Ok(Self {
            credentials: Watched::new(source),
            link: Link::new(Target::try_new(url, domain)?, timeout),
            classify,
        })
    }

    /// Makes one call.
    pub(crate) async fn call<T, F>(
        &self,
        rpc: impl Fn(Channel, &S::Credentials) -> F,
    ) -> Result<T, LnError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut credentials = self.credentials.current().await.map_err(unreadable)?;
        let failure = match self.call_with(&mut credentials, &rpc).await {
            Err(failure) if failure.asks_for_other_credentials() => failure,
            outcome => return outcome.map_err(CallFailure::into_error),
        };
        match self.credentials.newer_than(&credentials).await {
            Some(mut newer) => self.call_with(&mut newer, &rpc).await,
            None => Err(failure),
        }
        .map_err(CallFailure::into_error)
    }

    /// Makes the call, and again if the node has not taken it. The credentials may have changed by
    /// then; those that were used last are left in `credentials`.
    async fn call_with<T, F>(
        &self,
        credentials: &mut Arc<Versioned<S::Credentials>>,
        rpc: &impl Fn(Channel, &S::Credentials) -> F,
    ) -> Result<T, CallFailure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        match self.call_once(credentials, rpc).await {
            Err(CallFailure::NotTaken(_)) => {
                if let Ok(current) = self.credentials.current().await {
                    *credentials = current;
                }
                self.call_once(credentials, rpc).await
            }
            outcome => outcome,
        }
    }

    async fn call_once<T, F>(
        &self,
        credentials: &Versioned<S::Credentials>,
        rpc: &impl Fn(Channel, &S::Credentials) -> F,
    ) -> Result<T, CallFailure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let connection = self
            .link
            .connection(credentials.version(), credentials.trust())
            .await
            .map_err(|failure| CallFailure::Connect(connect_failure(failure)))?;
        rpc(connection.channel().clone(), credentials)
            .await
            .map(Response::into_inner)
            .map_err(|status| self.failure(&connection, status))
    }

    fn failure(&self, connection: &Connection, status: Status) -> CallFailure {
        let channel = connection.channel();
        let Some(source) = status.source() else {
            return CallFailure::Answered((self.classify)(status));
        };
        let never_sent = was_never_sent(&status);
        let refused_stream = is_reset(source) && !channel.is_closed();
        // A connection's end tells the call less than it told the connection.
        let (kind, message) = match channel.breakage() {
            Some(tls) => transport_failure(tls),
            None => transport_failure(source),
        };
        let error = LnError::new(kind, message).with_source(status);
        if channel.is_shut_out() {
            self.link.forget(connection);
            CallFailure::ShutOut(error)
        } else if never_sent {
            if !refused_stream {
                self.link.forget(connection);
            }
            CallFailure::NotTaken(error)
        } else {
            CallFailure::Broke(error)
        }
    }
}

/// Whether it is the end of one call only.
fn is_reset<'a>(error: &'a (dyn Error + 'static)) -> bool {
    let cause_of = |cause: &&'a (dyn Error + 'static)| (*cause).source();
    iter::successors(Some(error), cause_of)
        .any(|cause| cause.downcast_ref().is_some_and(h2::Error::is_reset))
}

fn unreadable(error: Arc<CredentialError>) -> LnError {
    LnError::new(LnErrorKind::Credentials, error.to_string()).with_source(error)
}
