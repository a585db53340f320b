use std::sync::Arc;

use http::HeaderValue;
use tower_layer::Layer;

use super::{
    Bearer, SharedAuthority,
    service::{Challenges, Gate},
};

/// Asks every request for a good token, except on the open paths: `/health`.
///
/// The claims of the token stand in the request's extensions as `Arc<Claims>`.
///
/// ```
/// use std::{convert::Infallible, time::{Duration, SystemTime}};
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::auth::{Audience, Authority, BearerLayer, SigningKey};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pair = SigningKey::generate()?;
/// let authority = Authority::from_pem(pair.public_pem.as_bytes(), Audience::Offer)?;
/// let books = service_fn(|_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("the books")))
/// });
/// let service = BearerLayer::new(authority, "books").layer(books);
///
/// let answer = service.clone().oneshot(Request::get("/books").body(())?).await?;
/// assert_eq!(answer.status(), 401);
/// assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"books\"");
///
/// let key = SigningKey::from_pem(pair.private_pem.as_bytes())?;
/// let token = key.mint(Audience::Offer, Duration::from_secs(60), SystemTime::now())?;
/// let request = Request::get("/books").header("authorization", format!("Bearer {token}"));
/// assert_eq!(service.oneshot(request.body(())?).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BearerLayer(Arc<Gate>);

impl BearerLayer {
    /// Believes `authority`; `realm` is the name in the challenge. Characters that a quoted string
    /// cannot hold are left out of it.
    pub fn new(authority: impl Into<SharedAuthority>, realm: &str) -> Self {
        let realm: String = realm
            .chars()
            .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
            .collect();
        let challenge = |parameters: &str| {
            HeaderValue::try_from(format!("Bearer realm=\"{realm}\"{parameters}"))
                .expect("the realm is printable ASCII")
        };
        Self(Arc::new(Gate {
            authority: authority.into(),
            challenges: Challenges {
                missing: challenge(""),
                invalid: challenge(", error=\"invalid_token\""),
            },
            open: vec!["/health".to_owned()],
        }))
    }

    /// Opens exactly these paths instead, compared as they came.
    #[must_use]
    pub fn with_open_paths(self, paths: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(Gate {
            authority: self.0.authority.clone(),
            challenges: self.0.challenges.clone(),
            open: paths.into_iter().collect(),
        }))
    }
}

impl<S> Layer<S> for BearerLayer {
    type Service = Bearer<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Bearer::new(inner, Arc::clone(&self.0))
    }
}
