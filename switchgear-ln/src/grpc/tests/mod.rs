//! Calls against servers that close, refuse and break connections frame by frame.
#![cfg(feature = "lnd")]

mod server;

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use switchgear_core::{
    backend::NodeUrl,
    ln::{LnError, LnErrorKind},
};
use tonic::Status;

use self::server::{Script, Server};
use super::{CredentialError, CredentialSource, Node, Trusted};
use crate::{
    lnd::proto::{GetInfoRequest, lightning_client::LightningClient},
    tls::{Trust, TrustSets},
};

/// Far more than anything here should take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct CertificateFile(PathBuf, TrustSets);

#[derive(Debug, Clone)]
struct Certificate(Arc<Trust>);

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Trusted for Certificate {
    fn trust(&self) -> &Arc<Trust> {
        &self.0
    }
}

impl CredentialSource for CertificateFile {
    type Credentials = Certificate;

    fn files(&self) -> Vec<&Path> {
        vec![&self.0]
    }

    fn load(&self) -> Result<Certificate, CredentialError> {
        self.1.pinned_or_signed(&self.0).map(Certificate)
    }
}

fn node(server: &Server) -> Node<CertificateFile> {
    let url = NodeUrl::try_new(&server.url()).unwrap();
    let source = CertificateFile(server.certificate(), TrustSets::default());
    Node::try_new(&url, None, source, CONNECT_TIMEOUT, answered).unwrap()
}

fn answered(status: Status) -> LnError {
    LnError::new(LnErrorKind::Refused, status.message())
}

async fn call(node: &Node<CertificateFile>) -> Result<(), LnError> {
    call_after(node, || {}).await
}

/// Calls after `before` is done, which happens once the credentials are read.
async fn call_after(node: &Node<CertificateFile>, before: impl Fn()) -> Result<(), LnError> {
    let calling = node.call(|channel, _| {
        before();
        let mut client = LightningClient::new(channel);
        async move { client.get_info(GetInfoRequest {}).await }
    });
    let outcome = tokio::time::timeout(DEADLINE, calling).await;
    outcome.expect("an outcome in bounded time").map(drop)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_call_that_the_node_never_took_is_made_once_more_on_a_new_connection() {
    for script in [Script::GoAway { code: 0 }, Script::GoAway { code: 11 }] {
        let server = Server::start([script, Script::Serve]).await;
        let node = node(&server);
        call(&node).await.unwrap();
        assert_eq!(server.connections(), 2, "{script:?}");
        assert_eq!(server.calls(), 2, "{script:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_refused_is_made_once_more_on_the_same_connection() {
    let server = Server::start([Script::Refuse { calls: 1 }]).await;
    call(&node(&server)).await.unwrap();
    assert_eq!((server.connections(), server.calls()), (1, 2));
}

#[tokio::test]
async fn a_call_that_is_refused_twice_fails() {
    let server = Server::start([Script::Refuse { calls: 2 }]).await;
    let error = call(&node(&server)).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Unreachable);
    assert!(
        error.to_string().starts_with("the node broke off: "),
        "{error}"
    );
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_call_that_the_node_may_have_taken_is_not_repeated() {
    for script in [
        Script::ResetStream { code: 8 },
        Script::ResetStream { code: 2 },
        Script::HangUp,
    ] {
        let server = Server::start([script, Script::Serve]).await;
        let error = call(&node(&server)).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Unreachable, "{script:?}");
        assert_eq!(server.calls(), 1, "{script:?}");
    }
}

#[tokio::test]
async fn all_calls_on_a_connection_that_dies_fail_at_once() {
    let server = Server::start([Script::HangUpAfter { calls: 20 }, Script::Serve]).await;
    let node = node(&server);
    for outcome in join_all((0..20).map(|_| call(&node))).await {
        assert_eq!(outcome.unwrap_err().kind(), LnErrorKind::Unreachable);
    }
    assert_eq!(server.calls(), 20);
}

#[tokio::test]
async fn connects_again_without_being_called() {
    let server = Server::start([
        Script::HangUp,
        Script::HangUpAfter { calls: 0 },
        Script::Serve,
    ])
    .await;
    let node = node(&server);
    assert_eq!(server.connections(), 0);
    call(&node).await.unwrap_err();
    until("the third connection", || server.connections() == 3).await;
    call(&node).await.unwrap();
    assert_eq!((server.connections(), server.calls()), (3, 2));
}

#[tokio::test]
async fn closes_its_connection_and_makes_no_other_once_it_is_dropped() {
    let server = Server::start([Script::Serve]).await;
    let node = node(&server);
    call(&node).await.unwrap();
    assert_eq!(server.open(), 1);
    drop(node);
    until("the end of the connection", || server.open() == 0).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn tells_that_the_node_wants_a_client_certificate() {
    let server = Server::start_with_client_certificates([Script::Serve]).await;
    let error = call(&node(&server)).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Tls, "{error:?}");
    let words = "the node refused the TLS handshake: CertificateRequired";
    assert_eq!(error.to_string(), words);
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn tells_a_port_that_speaks_another_protocol() {
    let server = Server::start_without_http2([Script::Serve]).await;
    let error = call(&node(&server)).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Protocol);
    let words = "the node does not speak HTTP/2, is this its gRPC port?";
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn a_call_that_tls_broke_under_is_not_repeated_though_the_files_changed() {
    let server = Server::start([Script::BreakTls, Script::Serve]).await;
    let node = node(&server);
    let error = call_after(&node, || server.add_certificate()).await;
    assert_eq!(error.unwrap_err().kind(), LnErrorKind::Tls);
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_call_whose_certificate_the_node_did_not_take_is_made_once_more_if_the_files_changed() {
    let server = Server::start_with_client_certificates([Script::Serve]).await;
    let node = node(&server);
    let made = Cell::new(0);
    let error = call_after(&node, || {
        made.set(made.get() + 1);
        server.add_certificate();
    });
    assert_eq!(error.await.unwrap_err().kind(), LnErrorKind::Tls);
    assert_eq!((made.get(), server.calls()), (2, 0));
    assert_eq!(server.failed_handshakes(), 2);
}

#[tokio::test]
async fn no_call_fails_while_a_certificate_changes_file_first_and_node_later() {
    let server = Server::start([Script::Serve]).await;
    let node = node(&server);
    let done = Cell::new(false);
    let calling = || async {
        while !done.get() {
            call(&node).await.unwrap();
        }
    };
    let rotating = async {
        until("a connection", || server.calls() > 0).await;
        let renewed = server.renew_certificate();
        let tried = || server.failed_handshakes() >= 2;
        until("attempts with the new certificate", tried).await;
        assert_eq!(server.connections(), 1);
        server.restart(renewed);
        until("the second connection", || server.connections() == 2).await;
        until("the end of the first", || server.open() == 1).await;
        let before = server.calls();
        until("calls on the second", || server.calls() > before + 10).await;
        done.set(true);
    };
    tokio::join!(calling(), calling(), calling(), rotating);
}
