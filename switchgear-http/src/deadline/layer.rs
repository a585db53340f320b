use std::time::Duration;

use tower_layer::Layer;

use super::Deadline;
use crate::failure::ErrorStyle;

/// Puts a [`Deadline`] around a service.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    limit: Duration,
    style: ErrorStyle,
}

impl DeadlineLayer {
    /// At most `limit` for a request, or 503 in this style.
    pub fn new(limit: Duration, style: ErrorStyle) -> Self {
        Self { limit, style }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline::new(inner, self.limit, self.style)
    }
}
