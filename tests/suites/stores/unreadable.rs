//! A node that this version cannot read: no list is taken for complete that lacks it, and those that can be
//! read serve on, here and where the list is read over REST.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use serde_json::Value;
use switchgear_core::backend::{Backend, BackendSnapshot, DiscoveryBackendStore, SnapshotVersion};
use switchgear_http::{
    body::{self, Body},
    discovery::DiscoveryService,
};
use tower::ServiceExt as _;

use crate::{
    place::{Place, Sql},
    records::backend,
    services::Services,
};

/// What a newer version wrote, up to the address.
const NEWER: &str = "UPDATE discovery_backends SET implementation = '{\"type\": \"of tomorrow\"}' \
                     WHERE address = ";

#[tokio::test]
async fn a_node_that_cannot_be_read_is_told_of_over_sqlite() -> anyhow::Result<()> {
    told_of(Sql::Sqlite).await
}

#[tokio::test]
async fn a_node_that_cannot_be_read_is_told_of_over_postgres() -> anyhow::Result<()> {
    told_of(Sql::Postgres).await
}

#[tokio::test]
async fn a_node_that_cannot_be_read_is_told_of_over_mariadb() -> anyhow::Result<()> {
    told_of(Sql::MariaDb).await
}

async fn told_of(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.place().await? else {
        return Ok(());
    };
    let stores = place.open(2).await?;
    let services = Services::over(&stores).await?;
    let remote = &*services.remote.backends;
    let all = [1, 2, 3].map(backend);
    for each in &all {
        stores.backends.post(each.clone()).await?;
    }
    let [first, newer, last] = &all;
    let service = DiscoveryService::new(Arc::clone(&stores.backends));
    let complete = list(&service, None).await?;
    assert_eq!(complete.status(), StatusCode::OK);
    let (known, ..) = changed(remote, None).await?;

    age(&place, newer).await?;
    // By another process, so that the counter is another too.
    stores.backends.put(first.clone()).await?;
    an_administrator_is_refused(&service, newer).await?;
    let (fewer, backends, left_out) = changed(remote, Some(&known)).await?;
    assert_eq!(backends, [first.clone(), last.clone()]);
    assert_eq!(left_out, [newer.address.to_string()]);
    let again = remote.snapshot(Some(&fewer)).await?;
    assert!(matches!(again, BackendSnapshot::Unchanged), "{again:?}");

    // It is mended through the same service.
    services.remote.backends.put(newer.clone()).await?;
    let (_, backends, left_out) = changed(remote, Some(&fewer)).await?;
    assert_eq!((backends, left_out), (all.to_vec(), Vec::new()));
    let mended = list(&service, None).await?;
    assert_eq!(mended.status(), StatusCode::OK);
    assert_eq!(json(mended).await?.as_array().map(Vec::len), Some(3));
    Ok(())
}

/// Makes a record one of a newer version.
async fn age(place: &Place, newer: &Backend) -> anyhow::Result<()> {
    place.sql(&format!("{NEWER}'{}';", newer.address)).await
}

async fn an_administrator_is_refused(
    service: &DiscoveryService,
    newer: &Backend,
) -> anyhow::Result<()> {
    let location = newer.address.to_string();
    let refused = list(service, None).await?;
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let problem = json(refused).await?;
    let detail = problem["detail"].as_str().unwrap_or_default();
    for part in [
        "1 of the backends cannot be read",
        &location,
        "PUT",
        "DELETE",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    assert!(!detail.contains("of tomorrow"), "{detail}");

    let rest = list(service, Some("handling=lenient")).await?;
    assert_eq!(rest.status(), StatusCode::OK);
    assert_eq!(rest.headers()["switchgear-left-out"], location.as_str());
    assert_eq!(rest.headers()["preference-applied"], "handling=lenient");
    assert_eq!(json(rest).await?.as_array().map(Vec::len), Some(2));
    Ok(())
}

async fn list(
    service: &DiscoveryService,
    preference: Option<&str>,
) -> anyhow::Result<Response<Body>> {
    let mut request = Request::get("/discovery");
    if let Some(preference) = preference {
        request = request.header("prefer", preference);
    }
    Ok(service
        .clone()
        .oneshot(request.body(Body::empty())?)
        .await?)
}

async fn json(response: Response<Body>) -> anyhow::Result<Value> {
    let bytes = body::read(response.into_body(), 1 << 20).await?;
    Ok(serde_json::from_slice(&bytes)?)
}

async fn changed(
    store: &dyn DiscoveryBackendStore,
    known: Option<&SnapshotVersion>,
) -> anyhow::Result<(SnapshotVersion, Vec<Backend>, Vec<String>)> {
    match store.snapshot(known).await? {
        BackendSnapshot::Changed {
            version,
            backends,
            left_out,
        } => Ok((version, backends, left_out)),
        BackendSnapshot::Unchanged => anyhow::bail!("nothing changed since {known:?}"),
    }
}
