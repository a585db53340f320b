use super::Network;
use crate::{Millisatoshi, backend::PublicKey};

/// What a node says of itself when its health is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Whether it follows the chain; a node that does not cannot be paid.
    pub synced_to_chain: bool,
    /// What can be received now: over active channels, the remote balance less its reserve.
    pub inbound: Option<Millisatoshi>,
    /// Its identity.
    pub public_key: Option<PublicKey>,
    /// The network that it is on.
    pub network: Option<Network>,
}
