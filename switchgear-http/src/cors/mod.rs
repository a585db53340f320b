//! Pages of every origin may ask (LUD-01: wallets in browsers).
//!
//! What this crate answers in LNURL's style has these headers of itself; the layer is for the services
//! beside it that browsers are to read.

use std::time::Duration;

use http::{HeaderName, Method};
use tower_http::cors::{Any, CorsLayer};

/// How long a browser may remember a preflight's answer: a day.
pub const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);

/// The layer by LUD-01's rules: every origin, every request header, no credentials; and an answer to
/// every `OPTIONS`, which the inner service never sees.
///
/// The answers do not differ by origin, and so have no `Vary` that would split caches.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::cors;
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = service_fn(|_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
/// });
/// let service = cors::open().layer(hello);
///
/// let request = Request::get("/").header("origin", "https://wallet.example").body(())?;
/// let answer = service.clone().oneshot(request).await?;
/// assert_eq!(answer.headers()["access-control-allow-origin"], "*");
/// assert!(!answer.headers().contains_key("vary"));
///
/// let preflight = service.oneshot(Request::options("/").body(())?).await?;
/// assert_eq!(preflight.headers()["access-control-allow-methods"], "GET,HEAD,OPTIONS");
/// assert_eq!(preflight.headers()["access-control-allow-headers"], "*");
/// assert_eq!(preflight.headers()["access-control-max-age"], "86400");
/// # Ok(())
/// # }
/// ```
pub fn open() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers(Any)
        .max_age(PREFLIGHT_AGE)
        .vary(Vec::<HeaderName>::new())
}
