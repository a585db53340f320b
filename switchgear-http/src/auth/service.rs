use std::{
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Either;
use tower_service::Service;

use super::{Claims, SharedAuthority};
use crate::{body::Body, failure::EarlyAnswer, problem::Problem};

/// Lets requests with a good token through, and answers the others with 401.
#[derive(Debug, Clone)]
pub struct Bearer<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> Bearer<S> {
    pub(super) fn new(inner: S, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl<S, B, R> Service<Request<B>> for Bearer<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = EarlyAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if self.gate.is_open(request.uri().path()) {
            return EarlyAnswer::inner(self.inner.call(request));
        }
        match self.gate.judge(request.headers()) {
            Ok(claims) => {
                request.extensions_mut().insert(claims);
                EarlyAnswer::inner(self.inner.call(request))
            }
            Err(challenge) => EarlyAnswer::now(unauthorized(challenge)),
        }
    }
}

/// Who may pass.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) authority: SharedAuthority,
    pub(super) challenges: Challenges,
    pub(super) open: Vec<String>,
}

impl Gate {
    fn is_open(&self, path: &str) -> bool {
        self.open.iter().any(|open| open == path)
    }

    fn judge(&self, headers: &HeaderMap) -> Result<Arc<Claims>, HeaderValue> {
        let sent = token(headers).map_err(|kind| self.challenges.of(kind))?;
        let now = SystemTime::now();
        self.authority.current().judge(sent, now).map_err(|error| {
            tracing::debug!("a token was refused: {error}");
            self.challenges.of(Missing::Good)
        })
    }
}

/// What a refused request is told in `WWW-Authenticate` (RFC 6750, 3).
#[derive(Debug, Clone)]
pub(super) struct Challenges {
    pub(super) missing: HeaderValue,
    pub(super) invalid: HeaderValue,
}

impl Challenges {
    fn of(&self, missing: Missing) -> HeaderValue {
        match missing {
            Missing::Any => self.missing.clone(),
            Missing::Good => self.invalid.clone(),
        }
    }
}

/// What a request lacks.
#[derive(Debug, Clone, Copy)]
enum Missing {
    /// Any token at all.
    Any,
    /// A good token.
    Good,
}

/// The token of the one `Authorization` header; of two, neither is believed.
fn token(headers: &HeaderMap) -> Result<&str, Missing> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let field = fields.next().ok_or(Missing::Any)?;
    if fields.next().is_some() {
        return Err(Missing::Good);
    }
    let field = field.to_str().map_err(|_| Missing::Good)?;
    let (scheme, token) = field.split_once(' ').ok_or(Missing::Any)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Missing::Any);
    }
    Ok(token.trim_matches(' '))
}

fn unauthorized(challenge: HeaderValue) -> Response<Body> {
    Problem::new(StatusCode::UNAUTHORIZED)
        .with_detail("a good bearer token is needed here")
        .with_header(header::WWW_AUTHENTICATE, challenge)
        .into_response()
}
