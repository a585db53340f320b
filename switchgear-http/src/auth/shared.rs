use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Authority;

/// An authority that can be replaced while requests are served: when its file changes, for example.
/// Clones share it.
#[derive(Debug, Clone)]
pub struct SharedAuthority(Arc<ArcSwap<Authority>>);

impl SharedAuthority {
    /// Begins with `authority`.
    pub fn new(authority: Authority) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(authority)))
    }

    /// Judges every later request by `authority`.
    pub fn replace(&self, authority: Authority) {
        self.0.store(Arc::new(authority));
    }

    /// The authority of this moment.
    pub fn current(&self) -> Arc<Authority> {
        self.0.load_full()
    }
}

impl From<Authority> for SharedAuthority {
    fn from(authority: Authority) -> Self {
        Self::new(authority)
    }
}
