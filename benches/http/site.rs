use std::net::SocketAddr;

/// What is asked for, and where.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
}

impl Site {
    pub(crate) fn new(address: SocketAddr, path: impl Into<String>) -> Self {
        Self {
            address,
            path: path.into(),
        }
    }
}
