use std::sync::Arc;

use switchgear_core::{
    backend::DiscoveryBackendStore,
    offer::{OfferMetadataStore, OfferProvider, OfferStore},
};

/// One store in all its roles. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    pub(crate) backends: Arc<dyn DiscoveryBackendStore>,
    pub(crate) offers: Arc<dyn OfferStore>,
    pub(crate) metadata: Arc<dyn OfferMetadataStore>,
    pub(crate) provider: Arc<dyn OfferProvider>,
}

impl Stores {
    /// A store that keeps backends and offers.
    pub(crate) fn of<S>(store: S) -> Self
    where
        S: DiscoveryBackendStore + OfferStore + OfferMetadataStore + OfferProvider + 'static,
    {
        let store = Arc::new(store);
        Self::new(Arc::clone(&store), store)
    }

    /// A store of backends, and another of offers.
    pub(crate) fn new<B, O>(backends: Arc<B>, offers: Arc<O>) -> Self
    where
        B: DiscoveryBackendStore + 'static,
        O: OfferStore + OfferMetadataStore + OfferProvider + 'static,
    {
        Self {
            backends,
            offers: Arc::clone(&offers) as _,
            metadata: Arc::clone(&offers) as _,
            provider: offers,
        }
    }
}
