//! Who asks: the peer of the connection, or, behind trusted proxies, whom they forward for.
//!
//! A forwarded header is any sender's to write. So it counts only in a request from a network in
//! [`TrustedProxies`]; from anyone else it is as if it were not there. `Forwarded` (RFC 7239) and
//! `X-Forwarded-For`, `-Proto` and `-Host` are read; where both kinds stand, they must say the same, no
//! more and no less, because a proxy that sets one kind may pass on a stranger's other one. What a
//! trusted proxy says and cannot be understood is refused rather than guessed.
//!
//! [`ClientLayer`] leaves a [`Client`] in the request's extensions, and everything of this crate that
//! asks for a client's address, scheme or host looks there first: the
//! [allow-list of hosts](crate::host::HostLayer), the callbacks of the
//! [LNURL service](crate::lnurl::LnurlService), the [access log](crate::access_log).

mod chain;
mod error;
mod forwarded;
mod layer;
mod network;
mod proxies;
mod service;

use std::net::IpAddr;

use http::Extensions;

pub use self::{
    error::ForwardedError,
    layer::ClientLayer,
    network::{Network, NetworkError},
    proxies::TrustedProxies,
    service::ClientService,
};
use crate::{
    host::{HostPort, Scheme},
    serve::PeerAddr,
};

/// Who asks and for what, as trusted proxies tell it; in the extensions of their requests alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's address, or that of the last proxy before those that hide it.
    pub address: Option<IpAddr>,
    /// The scheme that the client used, where a proxy says it; else the listener's holds.
    pub scheme: Option<Scheme>,
    /// The host that the client asked, where a proxy says it; else the request's own holds.
    pub host: Option<HostPort>,
}

impl Client {
    /// The address of whoever asks: the client's, or else the [`PeerAddr`]'s. IPv4 addresses stand in
    /// their own form.
    pub fn address_of(extensions: &Extensions) -> Option<IpAddr> {
        let told = extensions
            .get::<Self>()
            .and_then(|client| client.address)
            .map(|address| address.to_canonical());
        told.or_else(|| peer(extensions))
    }
}

/// Who is at the other end of the connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<PeerAddr>()?;
    Some(peer.0.ip().to_canonical())
}

#[cfg(test)]
mod tests;
