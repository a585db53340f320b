use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Where and how a [`Server`](super::Server) listens.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// The certificate, or none for plain HTTP.
    pub tls: Option<TlsPaths>,
    /// What one client may cost.
    pub limits: Limits,
    /// Whether a new process may listen on the same port before this one is gone.
    pub reuse_port: bool,
}

impl ServeConfig {
    /// Plain HTTP with the default limits.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            limits: Limits::default(),
            reuse_port: false,
        }
    }
}

/// PEM files of a listener's identity. They are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPaths {
    /// The certificate chain, the own one first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What one client may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; more wait to be accepted. 10,000 by default.
    pub connections: usize,
    /// How long a TLS handshake, a first request's head, and the head of a later request once it has
    /// begun may take. 10 s by default.
    pub header_timeout: Duration,
    /// How long a connection may be without a request. 60 s by default.
    pub idle_timeout: Duration,
    /// How long a request may take. 30 s by default. The server cuts off what takes longer by
    /// [`Self::REQUEST_GRACE`] without an answer; a [`DeadlineLayer`](crate::deadline::DeadlineLayer)
    /// of the same limit answers in time, in the style of its service.
    pub request_timeout: Duration,
    /// How long a client may take nothing of a response. 30 s by default.
    pub write_timeout: Duration,
    /// How much of a request's head, target and fields, is read, in bytes. 16,384 by default.
    ///
    /// This is what hyper's parsers hold, which answer 431 without a body, or hang up, before the
    /// service is asked. On HTTP/1.1 it is the size of a buffer, of 8,192 bytes at least, which is
    /// looked at between two reads: a head of up to twice the limit passes if it comes quickly. On
    /// HTTP/2 each field counts 32 bytes more than its name and value (RFC 9113, 6.5.2). A
    /// [`HeadLimitLayer`](crate::head::HeadLimitLayer) of the same limit holds to it exactly what
    /// passes, and answers in the style of the service.
    pub header_bytes: usize,
    /// The most header fields of a request over HTTP/1.1, whose parser answers 431 without a body to
    /// more. 100 by default.
    ///
    /// HTTP/2's parser counts none; a [`HeadLimitLayer`](crate::head::HeadLimitLayer) of the same limit
    /// does.
    pub headers: usize,
    /// Concurrent requests of one HTTP/2 connection. 256 by default.
    pub h2_streams: u32,
}

impl Limits {
    /// How much longer than `request_timeout` a request may take before it is cut off.
    pub const REQUEST_GRACE: Duration = Duration::from_secs(1);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            header_bytes: 16_384,
            headers: 100,
            h2_streams: 256,
        }
    }
}
