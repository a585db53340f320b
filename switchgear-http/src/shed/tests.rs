use std::{
    convert::Infallible,
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures::poll;
use http_body_util::{BodyExt as _, Full};
use tokio::sync::Notify;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;

const LNURL: ErrorStyle = ErrorStyle::Lnurl { as_200: false };

/// Answers once it is told to.
fn waiter(
    gate: &Arc<Notify>,
) -> impl Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone
{
    let gate = Arc::clone(gate);
    service_fn(move |_: Request<()>| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Ok(Response::new(Full::from("done")))
        }
    })
}

#[tokio::test]
async fn sheds_what_comes_beyond_the_limit_at_once_and_takes_on_more_when_one_is_done() {
    let gate = Arc::new(Notify::new());
    let service = ShedLayer::new(2, LNURL).layer(waiter(&gate));
    let ask = || Box::pin(service.clone().oneshot(Request::new(())));
    let (mut first, mut second) = (ask(), ask());
    assert!(poll!(first.as_mut()).is_pending());
    assert!(poll!(second.as_mut()).is_pending());

    let Poll::Ready(Ok(shed)) = poll!(ask()) else {
        panic!("a shed request is answered without waiting");
    };
    assert_eq!(shed.status(), 503);
    assert_eq!(shed.headers()[header::RETRY_AFTER], "1");
    assert_eq!(shed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let body = shed.into_body().collect().await.unwrap().to_bytes();
    let reason = "the service is busy, please try again in a moment";
    assert_eq!(body, format!(r#"{{"status":"ERROR","reason":"{reason}"}}"#));

    gate.notify_one();
    assert_eq!(first.await.unwrap().status(), 200);
    let mut third = ask();
    assert!(poll!(third.as_mut()).is_pending());
    drop(second);
    assert!(
        poll!(ask().as_mut()).is_pending(),
        "who gives up leaves a place"
    );
}

#[tokio::test]
async fn neither_sheds_nor_counts_what_is_open() {
    let gate = Arc::new(Notify::new());
    let layer = ShedLayer::new(1, LNURL).with_open_paths(["/health".to_owned()]);
    let service = layer.layer(waiter(&gate));
    let ask = |path| {
        let request = Request::get(path).body(()).unwrap();
        Box::pin(service.clone().oneshot(request))
    };
    let (mut watching, mut asking) = (ask("/health"), ask("/"));
    assert!(poll!(watching.as_mut()).is_pending());
    assert!(poll!(asking.as_mut()).is_pending(), "the one place is free");
    assert!(poll!(ask("/health").as_mut()).is_pending());
    for path in ["/", "/health/", "/health/full"] {
        let Poll::Ready(Ok(shed)) = poll!(ask(path).as_mut()) else {
            panic!("{path} has no place");
        };
        assert_eq!(shed.status(), 503, "{path}");
    }
}

/// Is ready while the switch says so, and never answers.
#[derive(Clone)]
struct Moody(Arc<AtomicBool>);

impl Service<Request<()>> for Moody {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self.0.load(Ordering::Relaxed) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.0.load(Ordering::Relaxed), "asked while not ready");
        std::future::pending()
    }
}

#[tokio::test]
async fn sheds_while_the_inner_service_is_not_ready_and_asks_it_anew_for_each_request() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let mut service = ShedLayer::new(9, ErrorStyle::Problem).layer(Moody(Arc::clone(&is_ready)));
    for inner_is_ready in [false, true, false, true] {
        is_ready.store(inner_is_ready, Ordering::Relaxed);
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let mut answer = Box::pin(service.call(Request::new(())));
        match poll!(answer.as_mut()) {
            Poll::Pending => assert!(inner_is_ready),
            Poll::Ready(shed) => {
                let shed = shed.unwrap();
                assert!(!inner_is_ready);
                assert_eq!(shed.status(), 503);
                let media_type = &shed.headers()[header::CONTENT_TYPE];
                assert_eq!(media_type, "application/problem+json");
            }
        }
    }
    assert_eq!(service.floor.places.available_permits(), 9);
}
