//! Clients that came to the wrong place: an error that nobody takes for a record that is not there.

use std::{fmt::Debug, sync::Arc};

use switchgear_core::{
    backend::DiscoveryBackendStore as _,
    offer::OfferStore as _,
    store::{StoreError, StoreErrorKind},
};
use switchgear_stores::{
    http::{HttpDiscoveryStore, HttpOfferStore},
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
};
use uuid::Uuid;

use crate::{
    records::{backend, partition},
    services::Services,
    stores::Stores,
};

#[tokio::test]
async fn a_token_of_another_service_is_refused_as_nobodys_fault_but_ours() -> anyhow::Result<()> {
    let (services, others) = (services().await?, services().await?);
    let [mut discovery, mut offers] = services.asking.clone();
    [discovery.authorization, offers.authorization] =
        others.asking.clone().map(|asking| asking.authorization);
    let discovery = HttpDiscoveryStore::try_new(discovery)?;
    refused(discovery.get(&backend(1).address).await, "token");
    let offers = HttpOfferStore::try_new(offers)?;
    refused(offers.offer(&partition(), Uuid::new_v4()).await, "token");
    Ok(())
}

/// As with a base URL that lacks the path under which a proxy has the service.
#[tokio::test]
async fn a_wrong_base_url_is_told_and_no_record_is_called_missing() -> anyhow::Result<()> {
    let services = services().await?;
    let [mut discovery, mut offers] = services.asking.clone();
    discovery.base_url.set_path("/elsewhere");
    offers.base_url.set_path("/elsewhere");
    let (discovery, offers) = (
        HttpDiscoveryStore::try_new(discovery)?,
        HttpOfferStore::try_new(offers)?,
    );
    let (address, id) = (&backend(1).address, Uuid::new_v4());
    refused(discovery.get(address).await, "base URL");
    refused(discovery.delete(address).await, "base URL");
    refused(offers.offer(&partition(), id).await, "base URL");
    refused(offers.delete_offer(&partition(), id).await, "base URL");
    Ok(())
}

async fn services() -> anyhow::Result<Services> {
    let stores = Stores::new(
        Arc::new(MemoryDiscoveryStore::new()),
        Arc::new(MemoryOfferStore::new()),
    );
    Services::over(&stores).await
}

#[track_caller]
fn refused<T: Debug>(outcome: Result<T, StoreError>, part: &str) {
    let error = outcome.expect_err("a stranger is served");
    assert_eq!(error.kind(), StoreErrorKind::Remote, "{error:?}");
    assert!(error.to_string().contains(part), "{error}");
}
