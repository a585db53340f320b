//! A name for each request, in `x-request-id`, that logs on both sides share.

mod layer;

use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Request};
use tower_service::Service;

pub use self::layer::RequestIdLayer;

/// The header, of requests and of their answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client, in bytes.
pub const MAX_LEN: usize = 128;

/// Removes ids that are unfit to be logged and sent on: several, long ones, or others than
/// `A-Z a-z 0-9 . _ ~ : / + = -`. What is inside then makes one.
#[derive(Debug, Clone)]
pub struct FitRequestId<S>(S);

impl<S, B> Service<Request<B>> for FitRequestId<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !is_fit(request.headers()) {
            request.headers_mut().remove(REQUEST_ID);
        }
        self.0.call(request)
    }
}

fn is_fit(headers: &HeaderMap) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~:/+=-".contains(byte);
    let mut values = headers.get_all(REQUEST_ID).iter();
    match (values.next(), values.next()) {
        (Some(id), None) => (1..=MAX_LEN).contains(&id.len()) && id.as_bytes().iter().all(allowed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::Response;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::*;

    /// The id that the inner service sees, and the one that the client gets.
    async fn ids(sent: &[&[u8]]) -> (String, String) {
        let echo = service_fn(|request: Request<()>| async move {
            let ids: Vec<_> = request.headers().get_all(REQUEST_ID).iter().collect();
            let seen = ids[0].clone();
            assert_eq!(ids.len(), 1);
            Ok::<_, Infallible>(Response::new(seen))
        });
        let mut request = Request::new(());
        for id in sent {
            let id = http::HeaderValue::from_bytes(id).unwrap();
            request.headers_mut().append(REQUEST_ID, id);
        }
        let response = RequestIdLayer::new().layer(echo);
        let response = response.oneshot(request).await.unwrap();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        (text(response.body()), text(&response.headers()[REQUEST_ID]))
    }

    #[tokio::test]
    async fn keeps_a_fit_id_and_gives_it_back() {
        let longest = "x".repeat(MAX_LEN);
        for id in ["a", "Root=1-67891233:abc/def+g=.~_", &longest] {
            assert_eq!(ids(&[id.as_bytes()]).await, (id.to_owned(), id.to_owned()));
        }
    }

    #[tokio::test]
    async fn makes_an_id_where_there_is_none_or_an_unfit_one() {
        let long = "x".repeat(MAX_LEN + 1);
        let unfit: [&[&[u8]]; 7] = [
            &[],
            &[b""],
            &[b"a b"],
            &[b"a\"b"],
            &[b"\xff"],
            &[long.as_bytes()],
            &[b"a", b"b"],
        ];
        let mut made = std::collections::BTreeSet::new();
        for sent in unfit {
            let (seen, given) = ids(sent).await;
            assert_eq!(seen, given);
            assert!(seen.parse::<uuid::Uuid>().is_ok(), "{seen}");
            made.insert(seen);
        }
        assert_eq!(made.len(), unfit.len());
    }
}
