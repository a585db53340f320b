use std::pin::Pin;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, SelectableHelper as _,
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use futures_core::Stream;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    store::{StoreError, Written},
};

use super::{
    SqliteStore,
    connections::{Connection, Work},
};
use crate::{
    refusal,
    sql::{
        BackendRow, Fault,
        schema::{discovery_backends, discovery_version},
    },
};

impl SqliteStore {
    /// A write that makes a new version of the backends, told to who listens once it is committed.
    async fn change<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, R> + Send + 'static,
    {
        let changes = self.changes.clone();
        self.connections
            .write_then(
                |connection| {
                    Box::pin(async move {
                        let result = work(&mut *connection).await?;
                        next_version(connection).await?;
                        Ok(result)
                    })
                },
                move || changes.signal(),
            )
            .await
    }
}

#[async_trait]
impl DiscoveryFeed for SqliteStore {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let known = known.cloned();
        self.connections
            .read(|connection| Box::pin(snapshot(connection, known)))
            .await
    }

    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        self.changes.stream()
    }
}

#[async_trait]
impl DiscoveryBackendStore for SqliteStore {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        let address = address.to_string();
        self.connections
            .read(|connection| Box::pin(async move { find(connection, &address).await }))
            .await
    }

    async fn post(&self, backend: Backend) -> Result<(), StoreError> {
        self.change(|connection| {
            Box::pin(async move {
                diesel::insert_into(discovery_backends::table)
                    .values(BackendRow::from(&backend))
                    .execute(connection)
                    .await
                    .map_err(|error| {
                        Fault::or_exists(error, || refusal::backend_exists(&backend.address))
                    })?;
                Ok(())
            })
        })
        .await
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        self.change(|connection| Box::pin(async move { replace(connection, &backend).await }))
            .await
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        let address = address.clone();
        self.change(|connection| {
            Box::pin(async move {
                let mut backend = find(connection, &address.to_string())
                    .await?
                    .ok_or_else(|| refusal::backend_not_found(&address))?;
                patch.apply(&mut backend);
                replace(connection, &backend).await.map(drop)
            })
        })
        .await
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        let address = address.clone();
        self.change(|connection| {
            Box::pin(async move {
                let row = discovery_backends::table.find(address.to_string());
                match diesel::delete(row).execute(connection).await? {
                    0 => Err(refusal::backend_not_found(&address).into()),
                    _ => Ok(()),
                }
            })
        })
        .await
    }
}

/// The version alone answers a caller whose backends are still the same.
async fn snapshot(
    connection: &mut Connection,
    known: Option<SnapshotVersion>,
) -> Result<BackendSnapshot, Fault> {
    if known.is_some() && known == Some(version(connection).await?) {
        return Ok(BackendSnapshot::Unchanged);
    }
    // One transaction, so that the backends are those of the version.
    let (version, rows) = connection
        .transaction(async |connection| {
            let version = version(&mut *connection).await?;
            let rows: Vec<BackendRow> = discovery_backends::table
                .order(discovery_backends::sequence)
                .select(BackendRow::as_select())
                .load(connection)
                .await?;
            Ok::<_, Fault>((version, rows))
        })
        .await?;
    let backends: Result<_, _> = rows.into_iter().map(Backend::try_from).collect();
    Ok(BackendSnapshot::Changed {
        version,
        backends: backends?,
    })
}

async fn version(connection: &mut Connection) -> Result<SnapshotVersion, Fault> {
    let (epoch, counter): (String, i64) = discovery_version::table
        .select((discovery_version::epoch, discovery_version::counter))
        .first(connection)
        .await?;
    Ok(SnapshotVersion::new(format!("{epoch}-{counter}")))
}

async fn next_version(connection: &mut Connection) -> Result<(), Fault> {
    diesel::update(discovery_version::table)
        .set(discovery_version::counter.eq(discovery_version::counter + 1))
        .execute(connection)
        .await?;
    Ok(())
}

async fn find(connection: &mut Connection, address: &str) -> Result<Option<Backend>, Fault> {
    let row: Option<BackendRow> = discovery_backends::table
        .find(address)
        .select(BackendRow::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Backend::try_from).transpose()
}

async fn replace(connection: &mut Connection, backend: &Backend) -> Result<Written, Fault> {
    let row = BackendRow::from(backend);
    let updated = diesel::update(discovery_backends::table.find(&row.address))
        .set(&row)
        .execute(connection)
        .await?;
    if updated > 0 {
        return Ok(Written::Updated);
    }
    diesel::insert_into(discovery_backends::table)
        .values(&row)
        .execute(connection)
        .await?;
    Ok(Written::Created)
}
