//! The whole service over fakes, without a socket.

mod health;
mod hosts;
mod invoices;
mod paths;

use std::{
    num::NonZeroU8,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use http::{Method, Request, header};
use switchgear_core::{
    Millisatoshi, Partition,
    ln::{
        Invoice, InvoiceRequest, IssuedInvoice, LnBalancer, NoInvoice, PartitionReadiness,
        Readiness,
    },
    lnurl::{CommentLimit, PayMetadata},
    offer::{OfferProvider, PayableOffer, SendableRange, Validity},
    store::{StoreError, StoreErrorKind},
};
use uuid::Uuid;

use super::*;
use crate::{
    body::Body,
    clock,
    host::{AllowedHosts, Scheme},
    testing::{self, Answer},
};

const ID: &str = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";
const ENDING: &str = "7a38ebdd-83ef-4b94-b843-3b18cd90a833";
const PAST: &str = "8a38ebdd-83ef-4b94-b843-3b18cd90a833";
const FUTURE: &str = "9a38ebdd-83ef-4b94-b843-3b18cd90a833";
const BROKEN: &str = "aa38ebdd-83ef-4b94-b843-3b18cd90a833";
const REMOTE: &str = "ba38ebdd-83ef-4b94-b843-3b18cd90a833";
const LATE: &str = "ca38ebdd-83ef-4b94-b843-3b18cd90a833";
const METADATA: &str = r#"[["text/plain","a \"quoted\" text ⚡"]]"#;

/// Offers of the two partitions, one for each way in which a look-up ends.
#[derive(Debug)]
struct FakeOffers;

#[async_trait]
impl OfferProvider for FakeOffers {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<std::sync::Arc<PayableOffer>>, StoreError> {
        let now = clock::now();
        let hour = TimeDelta::hours(1);
        let validity = match id.to_string().as_str() {
            ID => Validity::new(now - hour, None),
            ENDING => Validity::new(now - hour, Some(now + hour)),
            PAST => Validity::new(now - hour - hour, Some(now - hour)),
            FUTURE => Validity::new(now + hour, None),
            BROKEN => return Err(failure(StoreErrorKind::Unavailable)),
            LATE => return Err(failure(StoreErrorKind::Timeout)),
            REMOTE => return Err(failure(StoreErrorKind::Remote)),
            _ => return Ok(None),
        };
        Ok(Some(std::sync::Arc::new(PayableOffer {
            partition: partition.clone(),
            id,
            sendable: SendableRange::try_new(Millisatoshi::new(1_000), Millisatoshi::new(9_000))
                .unwrap(),
            validity,
            metadata: PayMetadata::from_served(METADATA),
        })))
    }
}

fn failure(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "select from offers").with_source("db.internal is down")
}

/// Answers with an invoice that says nothing, and remembers what it was asked.
#[derive(Debug, Default)]
struct FakeBalancer {
    asked: Mutex<Vec<InvoiceRequest>>,
    refuses: Option<NoInvoice>,
    readiness: Readiness,
    readings: AtomicUsize,
}

#[async_trait]
impl LnBalancer for FakeBalancer {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice> {
        self.asked.lock().unwrap().push(request.clone());
        if let Some(refusal) = self.refuses {
            return Err(refusal);
        }
        Ok(IssuedInvoice {
            invoice: Invoice {
                bolt11: "lnbc1example".to_owned(),
                payment_hash: [7; 32],
            },
            node: "url/aHR0cHM6Ly9sbmQuZXhhbXBsZS8".parse().unwrap(),
            attempts: 1,
            elapsed: Duration::from_millis(2),
        })
    }

    fn readiness(&self) -> Readiness {
        self.readings.fetch_add(1, Ordering::Relaxed);
        self.readiness.clone()
    }
}

fn config() -> LnurlConfig {
    LnurlConfig {
        partitions: ["default", "eu"]
            .map(|name| Partition::try_new(name).unwrap())
            .into(),
        authority: CallbackBase::Hosts(
            AllowedHosts::try_new(["a.example", "b.example:8443"]).unwrap(),
        ),
        comments: CommentLimit::new(5),
        invoice_expiry: Duration::from_secs(600),
        scheme: Scheme::Https,
        qr: QrConfig {
            scale: NonZeroU8::new(2).unwrap(),
            ..QrConfig::default()
        },
        errors_as_200: false,
    }
}

struct Bench {
    service: LnurlService,
    balancer: std::sync::Arc<FakeBalancer>,
}

impl Bench {
    fn new(config: LnurlConfig, balancer: FakeBalancer) -> Self {
        let balancer = std::sync::Arc::new(balancer);
        let offers = std::sync::Arc::new(FakeOffers);
        let service = LnurlService::new(config, offers, std::sync::Arc::clone(&balancer) as _);
        Self { service, balancer }
    }

    fn standard() -> Self {
        Self::new(config(), FakeBalancer::default())
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        testing::send(&self.service, request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path)).await
    }

    fn calls(&self) -> usize {
        self.balancer.asked.lock().unwrap().len()
    }
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "a.example")
        .body(Body::empty())
        .unwrap()
}

impl Answer {
    /// Asserts a whole LNURL error and gives its reason.
    fn reason(&self, status: u16) -> String {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        assert_eq!(json["status"], "ERROR");
        assert_eq!(json.as_object().unwrap().len(), 2, "{json}");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("access-control-allow-origin"), "*");
        self.assert_uncached();
        json["reason"].as_str().unwrap().to_owned()
    }

    fn assert_cached_for_an_hour(&self) {
        let seconds: u32 = self
            .header("cache-control")
            .strip_prefix("public, max-age=")
            .unwrap()
            .parse()
            .unwrap();
        assert!((3_500..=3_600).contains(&seconds), "{seconds}");
        let expires = chrono::DateTime::parse_from_rfc2822(self.header("expires")).unwrap();
        assert!((expires.to_utc() - clock::now()).num_seconds() <= 3_600);
        assert!(!self.headers.contains_key("pragma"));
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("/offers/default/{id}{rest}")
}

#[tokio::test]
async fn describes_an_offer_with_the_exact_bytes_that_invoices_commit_to() {
    let bench = Bench::standard();
    let answer = bench.get(&path(ID, "")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        serde_json::json!({
            "callback": format!("https://a.example/offers/default/{ID}/invoice"),
            "maxSendable": 9_000,
            "minSendable": 1_000,
            "tag": "payRequest",
            "metadata": METADATA,
            "commentAllowed": 5,
        })
    );
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("vary"), "Host");
    answer.assert_uncached();

    bench.get(&path(ID, "/invoice?amount=1000")).await;
    let asked = bench.balancer.asked.lock().unwrap();
    assert_eq!(asked[0].metadata.as_str(), METADATA);
}

#[tokio::test]
async fn serves_the_lnurl_as_text_and_as_a_picture_of_the_same() {
    let bench = Bench::standard();
    let text = bench.get(&path(ENDING, "/bech32")).await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    text.assert_cached_for_an_hour();
    let lnurl = String::from_utf8(text.body.to_vec()).unwrap();
    assert_eq!(lnurl, lnurl.to_uppercase());
    assert_eq!(
        switchgear_core::lnurl::decode(&lnurl).unwrap(),
        format!("https://a.example/offers/default/{ENDING}")
    );

    let picture = bench.get(&path(ENDING, "/bech32/qr")).await;
    assert_eq!(picture.header("content-type"), "image/png");
    picture.assert_cached_for_an_hour();
    let drawn = super::qr::draw(&lnurl, config().qr).unwrap();
    assert_eq!(picture.body, drawn);
}

#[tokio::test]
async fn draws_no_more_pictures_at_once_than_there_are_processors() {
    let bench = Bench::standard();
    let brushes = std::sync::Arc::clone(&bench.service.0.brushes);
    let count = u32::try_from(brushes.available_permits()).unwrap();
    let all = brushes.acquire_many(count).await.unwrap();
    let route = path(ID, "/bech32/qr");
    let mut picture = Box::pin(bench.get(&route));
    assert!(futures::poll!(picture.as_mut()).is_pending());
    drop(all);
    assert_eq!(picture.await.status, 200);
    let left = u32::try_from(brushes.available_permits()).unwrap();
    assert_eq!(left, count);
}

#[tokio::test]
async fn says_in_words_when_an_lnurl_is_too_long_for_a_picture() {
    let base = format!("https://a.example/{}", "x".repeat(3_000));
    let long = LnurlConfig {
        authority: CallbackBase::Public(base.parse().unwrap()),
        ..config()
    };
    let bench = Bench::new(long, FakeBalancer::default());
    assert_eq!(bench.get(&path(ID, "/bech32")).await.status, 200);
    assert!(
        bench
            .get(&path(ID, "/bech32/qr"))
            .await
            .reason(400)
            .contains("too long")
    );
}

#[tokio::test]
async fn caches_an_offer_that_ends_until_it_ends() {
    Bench::standard()
        .get(&path(ENDING, ""))
        .await
        .assert_cached_for_an_hour();
}

#[tokio::test]
async fn hides_why_the_store_failed() {
    let bench = Bench::standard();
    for (id, status) in [(BROKEN, 500), (LATE, 500), (REMOTE, 502)] {
        let reason = bench.get(&path(id, "")).await.reason(status);
        assert!(
            !reason.contains("select") && !reason.contains("internal"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn sends_lnurl_errors_with_200_where_wallets_want_that() {
    let as_200 = LnurlConfig {
        errors_as_200: true,
        ..config()
    };
    let bench = Bench::new(as_200, FakeBalancer::default());
    assert!(
        bench
            .get(&path(ID, "/invoice"))
            .await
            .reason(200)
            .starts_with("amount")
    );
    bench.get("/nothing").await.reason(200);
    assert_eq!(bench.get("/health/full").await.status, 500);
    bench.get("/health/full?partition=us").await.reason(404);
}

#[test]
fn is_send_and_sync_and_shows_itself() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>() {}
    check::<LnurlService>();
    check::<DrainSwitch>();
}
