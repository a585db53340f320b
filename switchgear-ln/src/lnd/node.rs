use std::time::Duration;

use switchgear_core::{
    backend::LndGrpc,
    ln::{LnError, LnErrorKind},
};
use tonic::{
    Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use super::{
    classify::{call_failure, connect_failure},
    credentials::{LndCredentials, LndFiles},
    proto::lightning_client::LightningClient,
};
use crate::grpc::{Connection, CredentialError, Link, Target, Watched, was_never_sent};

/// More than any invoice; a node that sends more is broken.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// How one call reaches the node, with its macaroon on it.
pub(super) type Lnd = LightningClient<InterceptedService<Channel, Macaroon>>;

/// The way to a node: its credentials, and the connection that is made with them.
#[derive(Debug)]
pub(super) struct Node {
    credentials: Watched<LndFiles>,
    link: Link,
}

impl Node {
    /// Reads and connects nothing.
    ///
    /// # Errors
    /// What is wrong with the configuration, in words.
    pub(super) fn try_new(config: &LndGrpc, timeout: Duration) -> Result<Self, String> {
        let files = LndFiles::new(&config.auth)
            .ok_or("this build does not know the node's kind of credentials")?;
        let target = Target::try_new(&config.url, config.domain.as_ref())?;
        Ok(Self {
            credentials: Watched::new(files),
            link: Link::new(target, timeout),
        })
    }

    /// Makes one call; a second time only with newer credentials than those that were refused.
    pub(super) async fn call<T, F>(&self, rpc: impl Fn(Lnd) -> F) -> Result<T, LnError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let credentials = self.credentials.current().await.map_err(unreadable)?;
        let error = match self.call_with(&credentials, &rpc).await {
            Err(error) if may_be_outdated(&error) => error,
            outcome => return outcome,
        };
        match self.credentials.newer_than(&credentials).await {
            Some(newer) => self.call_with(&newer, &rpc).await,
            None => Err(error),
        }
    }

    async fn call_with<T, F>(
        &self,
        credentials: &LndCredentials,
        rpc: &impl Fn(Lnd) -> F,
    ) -> Result<T, LnError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut connection = self.connection(credentials).await?;
        let mut answer = rpc(lnd(&connection, credentials)).await;
        if let Err(status) = &answer
            && was_never_sent(status)
        {
            self.link.forget(&connection);
            connection = self.connection(credentials).await?;
            answer = rpc(lnd(&connection, credentials)).await;
        }
        answer.map(Response::into_inner).map_err(call_failure)
    }

    async fn connection(&self, credentials: &LndCredentials) -> Result<Connection, LnError> {
        self.link
            .connection(&credentials.trust)
            .await
            .map_err(connect_failure)
    }
}

/// Puts the macaroon on each call.
#[derive(Debug, Clone)]
pub(super) struct Macaroon(MetadataValue<Ascii>);

impl Interceptor for Macaroon {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("macaroon", self.0.clone());
        Ok(request)
    }
}

fn lnd(connection: &Connection, credentials: &LndCredentials) -> Lnd {
    let macaroon = Macaroon(credentials.macaroon.clone());
    LightningClient::with_interceptor(connection.channel(), macaroon)
        .max_decoding_message_size(LARGEST_ANSWER)
}

/// Whether other credentials might have been taken.
fn may_be_outdated(error: &LnError) -> bool {
    matches!(error.kind(), LnErrorKind::Unauthorized | LnErrorKind::Tls)
}

fn unreadable(error: CredentialError) -> LnError {
    LnError::new(LnErrorKind::Credentials, error.to_string()).with_source(error)
}
