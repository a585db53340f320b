//! What a service answers when it did not come to an answer of its own: a panic, a deadline, a
//! refusal by a layer.

mod early;
mod panic;

use http::{Response, StatusCode};

pub(crate) use self::panic::panic_message;
pub use self::{early::EarlyAnswer, panic::PanicAnswer};
use crate::{body::Body, lnurl, problem::Problem};

/// How a service words its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStyle {
    /// `{"status":"ERROR","reason":…}` with open CORS: LNURL (LUD-01).
    Lnurl {
        /// Whether it goes out with status 200, for wallets that read no other body. Health checks are
        /// read by their status, and keep it.
        as_200: bool,
    },
    /// `application/problem+json` (RFC 9457): the administrative services.
    Problem,
}

impl ErrorStyle {
    /// The style at a path: no wallet asks for health.
    pub(crate) fn at(self, path: &str) -> Self {
        match self {
            Self::Lnurl { .. } if matches!(path, "/health" | "/health/full") => self.with_status(),
            style => style,
        }
    }

    /// The same words, with a status that tells of the error.
    pub(crate) fn with_status(self) -> Self {
        match self {
            Self::Lnurl { .. } => Self::Lnurl { as_200: false },
            Self::Problem => Self::Problem,
        }
    }

    /// An error response with `words` for whoever asked.
    pub fn response(self, status: StatusCode, words: &str) -> Response<Body> {
        match self {
            Self::Lnurl { as_200 } => {
                let status = if as_200 { StatusCode::OK } else { status };
                lnurl::error_response(status, words)
            }
            Self::Problem => Problem::new(status).with_detail(words).into_response(),
        }
    }
}
