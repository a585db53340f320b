use anyhow::Context as _;
use switchgear_core::backend::{Backend, DiscoveryBackendStore as _};
use switchgear_stores::http::{HttpDiscoveryStore, HttpStoreConfig};

use crate::arguments::Arguments;

/// Puts each node into the discovery service that the arguments name.
pub(crate) async fn register(backends: Vec<Backend>, arguments: &Arguments) -> anyhow::Result<()> {
    let url = arguments
        .base_url
        .clone()
        .context("--base-url is missing")?;
    let token = arguments.authorization.clone();
    let mut config =
        HttpStoreConfig::new(url.clone(), token.context("--authorization is missing")?);
    config.trusted_roots.clone_from(&arguments.trusted_roots);
    let discovery = HttpDiscoveryStore::try_new(config)?;
    for backend in backends {
        let registered = discovery.put(backend).await;
        registered.with_context(|| format!("cannot register with {url}"))?;
    }
    Ok(())
}
