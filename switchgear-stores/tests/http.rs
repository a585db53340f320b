//! The client of a remote service: what it asks, and what it makes of the answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod remote;
mod support;

use std::{fs, path::PathBuf, slice, sync::Arc, time::Duration};

use futures::future::poll_fn;
use remote::Remote;
use serde_json::json;
use support::{backend, metadata, offer, page};
use switchgear_core::{
    Partition,
    backend::{
        BackendPatch, BackendSnapshot, DiscoveryBackendStore, DiscoveryFeed, SnapshotVersion,
    },
    offer::{OfferMetadataStore, OfferProvider, OfferStore, PayableOffer},
    store::{PageStart, StoreError, StoreErrorKind, Written},
};
use switchgear_stores::http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig};
use tempfile::TempDir;
use tokio_rustls::{TlsAcceptor, rustls};

const PROBLEM: &str = r#"{"title":"Invalid input","status":422,"detail":"weight: too much"}"#;

/// A remote service, and the token file of its client.
struct Fixture {
    remote: Remote,
    url: String,
    folder: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        Self::new(Remote::start().await)
    }

    fn new((remote, url): (Remote, String)) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("token"), " e30.e30.one\n").unwrap();
        Self {
            remote,
            url,
            folder,
        }
    }

    fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn config(&self) -> HttpStoreConfig {
        let base_url = format!("{}/prefix/", self.url).parse().unwrap();
        HttpStoreConfig {
            total_timeout: Duration::from_secs(20),
            ..HttpStoreConfig::new(base_url, self.token_file())
        }
    }

    fn discovery(&self) -> HttpDiscoveryStore {
        HttpDiscoveryStore::try_new(self.config()).unwrap()
    }

    fn offers(&self) -> HttpOfferStore {
        HttpOfferStore::try_new(self.config()).unwrap()
    }

    fn answer(&self, status: u16, body: impl ToString) {
        self.remote.answer(status, &[], body.to_string());
    }

    /// As our services answer for a record that does not exist.
    fn answer_that_there_is_none(&self) {
        let headers = [("content-type", "application/problem+json")];
        let none = r#"{"type":"urn:switchgear:problem:record-not-found","status":404}"#;
        self.remote.answer(404, &headers, none);
    }

    #[track_caller]
    fn asked(&self, line: &str) {
        assert_eq!(self.remote.asked().line, line);
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: StoreErrorKind, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn asks_the_discovery_service_behind_the_base_urls_path() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let subject = backend("a");
    let address = &subject.address;
    let path = format!("/prefix/discovery/{address}");

    let mut located = serde_json::to_value(&subject).unwrap();
    located["location"] = json!(address.to_string());
    fixture.answer(200, &located);
    assert_eq!(store.get(address).await.unwrap().as_ref(), Some(&subject));
    fixture.asked(&format!("GET {path}"));
    assert_eq!(fixture.remote.asked().authorization, "Bearer e30.e30.one");

    fixture.answer(201, "");
    store.post(subject.clone()).await.unwrap();
    fixture.asked("POST /prefix/discovery");
    let sent: serde_json::Value = serde_json::from_str(&fixture.remote.asked().body).unwrap();
    assert_eq!(sent, serde_json::to_value(&subject).unwrap());

    for (status, written) in [(201, Written::Created), (204, Written::Updated)] {
        fixture.answer(status, "");
        assert_eq!(store.put(subject.clone()).await.unwrap(), written);
        fixture.asked(&format!("PUT {path}"));
    }

    fixture.answer(204, "");
    let patch = BackendPatch::enabled(false);
    store.patch(address, patch).await.unwrap();
    fixture.asked(&format!("PATCH {path}"));
    assert_eq!(fixture.remote.asked().body, r#"{"enabled":false}"#);

    fixture.answer(204, "");
    store.delete(address).await.unwrap();
    fixture.asked(&format!("DELETE {path}"));
}

#[tokio::test]
async fn asks_the_offer_service_for_records_and_pages() {
    let fixture = Fixture::start().await;
    let store = fixture.offers();
    let text = metadata();
    let subject = offer(&text);
    let partition = Partition::try_new("..").unwrap();

    fixture.answer(200, json!([]));
    let start = PageStart::Offset(7);
    assert_eq!(store.offers(&partition, page(start, 3)).await.unwrap(), []);
    fixture.asked("GET /prefix/offers/..?start=7&count=3");

    fixture.answer(200, json!([]));
    let listed = store.offers_from(&partition, start, None).await;
    assert_eq!(listed.unwrap(), []);
    fixture.asked("GET /prefix/offers/..?start=7");
    fixture.answer(200, json!([]));
    let listed = store.metadata_from(&partition, start, None).await;
    assert_eq!(listed.unwrap(), []);
    fixture.asked("GET /prefix/metadata/..?start=7");

    let mut located = serde_json::to_value(&text).unwrap();
    located["location"] = json!("default/x");
    fixture.answer(200, json!([located]));
    let start = PageStart::After(text.id);
    let listed = store.metadata_page(&text.partition, page(start, 3)).await;
    assert_eq!(listed.unwrap(), std::slice::from_ref(&text));
    fixture.asked(&format!(
        "GET /prefix/metadata/default?after={}&count=3",
        text.id
    ));

    fixture.answer(201, "");
    store.post_offer(subject.clone()).await.unwrap();
    fixture.asked("POST /prefix/offers");
    fixture.answer(204, "");
    let written = store.put_metadata(text.clone()).await.unwrap();
    assert_eq!(written, Written::Updated);
    fixture.asked(&format!("PUT /prefix/metadata/default/{}", text.id));
    fixture.answer(204, "");
    store
        .delete_offer(&subject.partition, subject.id)
        .await
        .unwrap();
    fixture.asked(&format!("DELETE /prefix/offers/default/{}", subject.id));
}

#[tokio::test]
async fn joins_an_offer_with_its_metadata() {
    let fixture = Fixture::start().await;
    let store = fixture.offers();
    let text = metadata();
    let subject = offer(&text);

    fixture.answer(200, serde_json::to_value(&subject).unwrap());
    fixture.answer(200, serde_json::to_value(&text).unwrap());
    let served = store.payable(&subject.partition, subject.id).await.unwrap();
    let expected = PayableOffer::new(subject.clone(), &text);
    assert_eq!(served.as_deref(), Some(&expected));

    fixture.answer_that_there_is_none();
    let served = store.payable(&subject.partition, subject.id).await.unwrap();
    assert_eq!(served, None);
}

#[tokio::test]
async fn asks_for_a_snapshot_only_when_it_changed() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let subject = backend("a");
    let list = serde_json::to_string(&[&subject]).unwrap();
    fixture
        .remote
        .answer(200, &[("etag", "\"v-1\"")], list.clone());
    let BackendSnapshot::Changed {
        version, backends, ..
    } = store.snapshot(None).await.unwrap()
    else {
        panic!("no version was known");
    };
    assert_eq!(backends, [subject]);
    assert_eq!(fixture.remote.asked().if_none_match, None);

    fixture.remote.answer(304, &[("etag", "\"v-1\"")], "");
    let again = store.snapshot(Some(&version)).await.unwrap();
    assert!(matches!(again, BackendSnapshot::Unchanged));
    assert_eq!(
        fixture.remote.asked().if_none_match.as_deref(),
        Some("\"v-1\"")
    );

    // A version of another store is no `ETag`, and a service without `ETag`s has no versions.
    let foreign = SnapshotVersion::new("17");
    let mut versions = Vec::new();
    for _ in 0..2 {
        fixture.answer(200, &list);
        let BackendSnapshot::Changed { version, .. } =
            store.snapshot(Some(&foreign)).await.unwrap()
        else {
            panic!("the list was sent");
        };
        assert_eq!(fixture.remote.asked().if_none_match, None);
        versions.push(version);
    }
    assert_ne!(versions[0], versions[1]);
}

#[tokio::test]
async fn leaves_out_a_backend_of_a_newer_service_and_takes_the_others() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let known = backend("a");
    let mut newer = serde_json::to_value(backend("b")).unwrap();
    newer["implementation"]["type"] = json!("of tomorrow");
    newer["location"] = json!("/discovery/url/b\n");

    // The tag of the service says nothing of what this client cannot read: it looks each time.
    let list = json!([newer, known]).to_string();
    for _ in 0..2 {
        let headers = [("etag", "\"v-1\""), ("switchgear-left-out", "url/c,url/d")];
        fixture.remote.answer(200, &headers, list.clone());
    }
    let BackendSnapshot::Changed {
        version,
        backends,
        left_out,
    } = store.snapshot(None).await.unwrap()
    else {
        panic!("no version was known");
    };
    assert_eq!(backends, slice::from_ref(&known));
    assert_eq!(left_out, ["/discovery/url/b\\n", "url/c", "url/d"]);
    let again = store.snapshot(Some(&version)).await.unwrap();
    assert!(matches!(again, BackendSnapshot::Unchanged), "{again:?}");
    assert_eq!(fixture.remote.asked().if_none_match, None);

    // A service whose records are all of another kind is another service.
    fixture.answer(200, json!([newer]));
    let error = store.snapshot(None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Remote);
    assert!(
        error.to_string().ends_with(": /discovery/url/b\\n"),
        "{error}"
    );
}

#[tokio::test]
async fn tells_its_own_changes_and_no_others() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let mut changes = store.changes();
    fixture.answer(409, "");
    fixture.answer(201, "");
    store.post(backend("a")).await.unwrap_err();
    let told = poll_fn(|context| std::task::Poll::Ready(changes.as_mut().poll_next(context)));
    assert!(told.await.is_pending(), "nothing changed");
    store.post(backend("a")).await.unwrap();
    let told = poll_fn(|context| changes.as_mut().poll_next(context));
    assert_eq!(told.await, Some(()));
}

#[tokio::test]
async fn says_what_the_remote_service_meant() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let subject = backend("a");
    let address = &subject.address;

    fixture.answer_that_there_is_none();
    assert_eq!(store.get(address).await.unwrap(), None);
    for (status, kind, words) in [
        (409, StoreErrorKind::Conflict, "https://a.example/"),
        (
            422,
            StoreErrorKind::Invalid,
            "Invalid input: weight: too much",
        ),
        (
            400,
            StoreErrorKind::Invalid,
            "Invalid input: weight: too much",
        ),
        (401, StoreErrorKind::Remote, "refused the token"),
        (403, StoreErrorKind::Remote, "refused the token"),
        (404, StoreErrorKind::Remote, "check the base URL"),
        (502, StoreErrorKind::Remote, "502 Bad Gateway"),
        (504, StoreErrorKind::Remote, "did not answer in time"),
    ] {
        fixture.answer(status, PROBLEM);
        refused(store.post(subject.clone()).await, kind, words);
    }
    let (missing, readable) = (StoreErrorKind::NotFound, "https://a.example/");
    fixture.answer_that_there_is_none();
    refused(store.delete(address).await, missing, readable);
    fixture.answer_that_there_is_none();
    let patched = store.patch(address, BackendPatch::default()).await;
    refused(patched, missing, readable);

    // A 404 of anybody else, an ingress or another of our services, says nothing of records.
    let (remote, words) = (StoreErrorKind::Remote, "check the base URL");
    let ours = [("content-type", "application/problem+json")];
    let other = [("content-type", "text/html")];
    for (headers, body) in [
        (&other, ""),
        (&other, "<html>"),
        (&ours, r#"{"type":"about:blank","status":404}"#),
    ] {
        for _ in 0..3 {
            fixture.remote.answer(404, headers, body);
        }
        refused(store.get(address).await, remote, words);
        refused(store.delete(address).await, remote, words);
        let patched = store.patch(address, BackendPatch::default()).await;
        refused(patched, remote, words);
    }

    fixture.answer(307, "");
    refused(
        store.get(address).await,
        StoreErrorKind::Remote,
        "redirects",
    );
    for body in ["[]", "{\"address\"", "{\"address\": 1}"] {
        fixture.answer(200, body);
        refused(
            store.get(address).await,
            StoreErrorKind::Remote,
            "cannot be read",
        );
    }
    fixture.answer(500, "x".repeat(1_000_000));
    refused(store.get(address).await, StoreErrorKind::Remote, "500");
}

#[tokio::test]
async fn takes_up_a_new_token_and_keeps_the_old_one_while_there_is_none() {
    let fixture = Fixture::start().await;
    let store = fixture.discovery();
    let mut sent = Vec::new();
    for step in ["start", "removed", "new"] {
        match step {
            "removed" => fs::remove_file(fixture.token_file()).unwrap(),
            "new" => fs::write(fixture.token_file(), "e30.e30.another").unwrap(),
            _ => {}
        }
        fixture.answer_that_there_is_none();
        store.get(&backend("a").address).await.unwrap();
        sent.push(fixture.remote.asked().authorization);
    }
    let (old, new) = ("Bearer e30.e30.one", "Bearer e30.e30.another");
    assert_eq!(sent, [old, old, new]);
    let shown = format!("{store:?} {:?}", fixture.config());
    assert!(!shown.contains("e30"), "{shown}");
}

#[tokio::test]
async fn gives_up_a_service_that_does_not_answer() {
    let fixture = Fixture::start().await;
    let config = HttpStoreConfig {
        total_timeout: Duration::from_millis(200),
        ..fixture.config()
    };
    let store = HttpDiscoveryStore::try_new(config).unwrap();
    let asked = store.snapshot(None).await;
    refused(
        asked,
        StoreErrorKind::Remote,
        "did not answer in time, within 200ms",
    );
    assert_eq!(fixture.remote.times_asked(), 1, "the service was reached");

    // The next request goes over a connection of its own.
    fixture.answer(200, "[]");
    store.snapshot(None).await.unwrap();
}

#[tokio::test]
async fn names_a_service_that_cannot_be_reached() {
    let fixture = Fixture::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = HttpStoreConfig::new(closed.parse().unwrap(), fixture.token_file());
    let store = HttpOfferStore::try_new(config).unwrap();
    let text = metadata();
    let words = format!("{closed} cannot be reached");
    refused(
        store.post_metadata(text).await,
        StoreErrorKind::Remote,
        &words,
    );
}

/// An authority's certificate as PEM, and a server of `localhost` that it signed.
fn authority() -> (String, TlsAcceptor) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca_params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca_params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = ca_params.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca_params, ca_key);

    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    (ca_pem, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn trusts_the_roots_that_it_was_given_and_no_others() {
    let (ca_pem, acceptor) = authority();
    let (stranger_pem, _) = authority();
    let fixture = Fixture::new(Remote::start_tls(acceptor).await);
    let roots = fixture.folder.path().join("ca.pem");
    fs::write(&roots, &stranger_pem).unwrap();
    let config = HttpStoreConfig {
        trusted_roots: vec![roots.clone()],
        ..fixture.config()
    };
    let store = HttpDiscoveryStore::try_new(config).unwrap();
    let asked = store.snapshot(None).await;
    refused(asked, StoreErrorKind::Remote, "cannot be reached");
    assert_eq!(
        fixture.remote.times_asked(),
        0,
        "no token goes to a stranger"
    );

    // The bundle is taken up as it changes.
    fs::write(&roots, stranger_pem + &ca_pem).unwrap();
    fixture.answer(200, "[]");
    store.snapshot(None).await.unwrap();
    assert_eq!(fixture.remote.times_asked(), 1);
}
