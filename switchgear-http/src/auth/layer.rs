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
