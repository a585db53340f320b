//! Whom a node's TLS certificate may come from.

mod pinned;

pub(crate) use self::pinned::PinnedOrRoot;
