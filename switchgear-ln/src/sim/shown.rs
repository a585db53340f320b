use std::sync::Arc;

use rustls::ServerConfig;

use super::FaultKind;

/// How the next handshake goes.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) server: Arc<ServerConfig>,
    /// The fault that makes it go so.
    pub(super) fault: Option<FaultKind>,
}

impl Shown {
    /// What a healthy node shows.
    pub(super) fn own(server: Arc<ServerConfig>) -> Self {
        Self {
            server,
            fault: None,
        }
    }
}
