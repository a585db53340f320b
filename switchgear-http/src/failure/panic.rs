use std::any::Any;

use http::{Response, StatusCode};
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};

use super::ErrorStyle;
use crate::{body::Body, escape::Escaped};

/// Answers 500 in a service's own style when it panics, and logs the panic as an error.
///
/// It stays a 500 also where other errors go out with status 200: it may be a health check that panicked.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::failure::{ErrorStyle, PanicAnswer};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let divide = service_fn(|request: Request<u32>| async move {
///     let share = 100 / request.into_body();
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(share.to_string())))
/// });
/// let service = PanicAnswer::layer(ErrorStyle::Problem).layer(divide);
/// assert_eq!(service.clone().oneshot(Request::new(4)).await?.status(), 200);
/// assert_eq!(service.oneshot(Request::new(0)).await?.status(), 500);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PanicAnswer(ErrorStyle);

impl PanicAnswer {
    /// The layer that catches; it stands outside of whatever may panic.
    pub fn layer(style: ErrorStyle) -> CatchPanicLayer<Self> {
        CatchPanicLayer::custom(Self(style.with_status()))
    }
}

impl ResponseForPanic for PanicAnswer {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response<Body> {
        tracing::error!("a request panicked: {}", Escaped(panic_message(&*panic)));
        self.0.response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service met an error of its own",
        )
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test]
    async fn answers_a_panic_in_the_style_of_the_service() {
        let lnurl = |as_200| ErrorStyle::Lnurl { as_200 };
        for (style, status, media_type, word) in [
            (lnurl(false), 500, "application/json", "ERROR"),
            (lnurl(true), 500, "application/json", "ERROR"),
            (
                ErrorStyle::Problem,
                500,
                "application/problem+json",
                "Internal",
            ),
        ] {
            let inner = service_fn(|_: Request<Body>| async {
                if true {
                    panic!("on purpose");
                }
                Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
            });
            let service = PanicAnswer::layer(style).layer(inner);
            let response = service.oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], media_type);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(
                text.contains(word) && !text.contains("on purpose"),
                "{text}"
            );
        }
    }
}
