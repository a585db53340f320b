use std::net::SocketAddr;

/// Who is at the other end of the connection, in a request's extensions. Behind a proxy, the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);
