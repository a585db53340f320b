//! The three services against the documents that they serve themselves, by Schemathesis: no server error, no answer
//! that a document does not describe, nothing refused that it allows, nothing taken that it forbids.
//!
//! The program that `SCHEMATHESIS` names asks; `tests/run contract` installs it. With `SWITCHGEAR_LONG=true` it asks
//! for longer, and over PostgreSQL and MariaDB too.

mod schemathesis;
mod stage;

use anyhow::Context as _;
use switchgear_tests::{
    DatabaseKind, DatabaseServer, DatabaseUser, ServerOptions, Service, SwgrOptions,
};

use crate::{schemathesis::Schemathesis, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_lnurl_service_is_as_its_document_says() -> anyhow::Result<()> {
    over_every_store(Service::Lnurl).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_discovery_service_is_as_its_document_says() -> anyhow::Result<()> {
    over_every_store(Service::Discovery).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offer_service_is_as_its_document_says() -> anyhow::Result<()> {
    over_every_store(Service::Offer).await
}

async fn over_every_store(service: Service) -> anyhow::Result<()> {
    let Some(schemathesis) = Schemathesis::find_or_skip()? else {
        return Ok(());
    };
    over(&schemathesis, service, "SQLite", SwgrOptions::new()).await?;
    if !schemathesis.is_long() {
        return Ok(());
    }
    for kind in [DatabaseKind::Postgres, DatabaseKind::MariaDb] {
        let server = DatabaseServer::start_or_skip(kind, ServerOptions::QUICK).await?;
        if let Some(server) = server {
            let database = server.create_database().await?;
            let options = SwgrOptions::new().with_database(&database.url(DatabaseUser::Owner));
            over(&schemathesis, service, kind.name(), options).await?;
        }
    }
    Ok(())
}

/// Asks a server of its own: what one service is asked must not be what another works with.
async fn over(
    schemathesis: &Schemathesis,
    service: Service,
    store: &str,
    options: SwgrOptions,
) -> anyhow::Result<()> {
    let stage = Stage::start(&options).await?;
    let asked = schemathesis.ask(&stage, service).await;
    asked.with_context(|| format!("{service:?} over {store} is not as its document says"))?;
    stage.end(service).await
}
