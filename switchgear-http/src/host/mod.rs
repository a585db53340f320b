//! Under which name a request came, and whether this service goes by that name.
//!
//! Callbacks are made from it, and caches and wallets keep them; so the form is strict, an unknown
//! name is refused, and forwarded headers count only as far as a [`Client`](crate::client::Client)
//! brings them.

mod allowed;
mod authority;
mod layer;
mod origin;
mod request;
mod service;

pub use self::{
    allowed::{AllowedHosts, AllowedHostsError},
    authority::{HostError, HostPort},
    layer::HostLayer,
    origin::Origin,
    service::HostService,
};

/// The scheme under which a listener is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that a URL of this scheme leaves out.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}
