//! Backends, compiled for one database: `sql/mod.rs` says why.

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use futures_core::Stream;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    store::{StoreError, Written},
};

use super::{Store, connections::Connection};
use crate::{
    refusal,
    sql::{
        BackendRow, Fault, Work, fault,
        schema::{discovery_backends, discovery_version},
    },
};

/// The one row of the version.
const VERSION: i32 = 1;

impl Store {
    /// A write that makes a new version of the backends, told to who listens once it is committed.
    async fn change<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        let changes = self.changes.clone();
        let work = Arc::new(work);
        self.connections
            .write_then(
                move |connection| Box::pin(versioned(connection, Arc::clone(&work))),
                move || changes.signal(),
            )
            .await
    }
}

#[async_trait]
impl DiscoveryFeed for Store {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let asked = known.cloned();
        let changed = self
            .connections
            .read(move |connection| Box::pin(snapshot(connection, asked.clone())))
            .await?;
        let Some((version, rows)) = changed else {
            return Ok(BackendSnapshot::Unchanged);
        };
        let backends = rows
            .into_iter()
            .map(|row| (row.address.clone(), Backend::try_from(row)));
        let parted = self.unreadable.parted(backends)?;
        Ok(parted.into_snapshot(version, known))
    }

    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        self.changes.stream()
    }
}

#[async_trait]
impl DiscoveryBackendStore for Store {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        let address = address.to_string();
        let row = self
            .connections
            .read(move |connection| Box::pin(find(connection, address.clone())))
            .await?;
        row.map(Backend::try_from).transpose()
    }

    async fn post(&self, backend: Backend) -> Result<(), StoreError> {
        let backend = Arc::new(backend);
        self.change(move |connection| Box::pin(post(connection, Arc::clone(&backend))))
            .await
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        let row = Arc::new(BackendRow::from(&backend));
        self.change(move |connection| Box::pin(replace(connection, Arc::clone(&row))))
            .await
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        let asked = Arc::new((address.clone(), patch));
        self.change(move |connection| Box::pin(amend(connection, Arc::clone(&asked))))
            .await
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        let address = address.clone();
        self.change(move |connection| Box::pin(remove(connection, address.clone())))
            .await
    }
}

/// The version first: its row is the lock that lets one writer after the other read and change the
/// backends, whatever the database's isolation. A refusal takes it back.
async fn versioned<R, F>(connection: &mut Connection, work: Arc<F>) -> Result<R, Fault>
where
    F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync,
{
    let updated = diesel::update(discovery_version::table.find(VERSION))
        .set(discovery_version::counter.eq(discovery_version::counter + 1))
        .execute(connection)
        .await?;
    if updated == 0 {
        return Err(fault::no_version().into());
    }
    work(connection).await
}

/// The version alone answers a caller whose backends are still the same.
async fn snapshot(
    connection: &mut Connection,
    known: Option<SnapshotVersion>,
) -> Result<Option<(SnapshotVersion, Vec<BackendRow>)>, Fault> {
    if known.is_some() && known == Some(version(connection).await?) {
        return Ok(None);
    }
    // One statement, so that the backends are those of the version, whatever the isolation. It
    // repeats the version with each row, and has one row when there is no backend.
    let every_backend = discovery_version::singleton.eq(VERSION);
    let rows: Vec<(String, i64, Option<BackendRow>)> = discovery_version::table
        .left_join(discovery_backends::table.on(every_backend))
        .order(discovery_backends::sequence)
        .select((
            discovery_version::epoch,
            discovery_version::counter,
            Option::<BackendRow>::as_select(),
        ))
        .load(connection)
        .await?;
    let (epoch, counter, _) = rows.as_slice().first().ok_or_else(fault::no_version)?;
    let version = named(epoch, *counter);
    let backends = rows.into_iter().filter_map(|(.., backend)| backend);
    Ok(Some((version, backends.collect())))
}

async fn version(connection: &mut Connection) -> Result<SnapshotVersion, Fault> {
    let row: Option<(String, i64)> = discovery_version::table
        .find(VERSION)
        .select((discovery_version::epoch, discovery_version::counter))
        .first(connection)
        .await
        .optional()?;
    let (epoch, counter) = row.ok_or_else(fault::no_version)?;
    Ok(named(&epoch, counter))
}

fn named(epoch: &str, counter: i64) -> SnapshotVersion {
    SnapshotVersion::new(format!("{epoch}-{counter}"))
}

async fn find(connection: &mut Connection, address: String) -> Result<Option<BackendRow>, Fault> {
    let row = discovery_backends::table
        .find(address)
        .select(BackendRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row)
}

async fn post(connection: &mut Connection, backend: Arc<Backend>) -> Result<(), Fault> {
    insert(connection, &BackendRow::from(&*backend))
        .await
        .map_err(|fault| fault.or_exists(|| refusal::backend_exists(&backend.address)))
}

async fn insert(connection: &mut Connection, row: &BackendRow) -> Result<(), Fault> {
    diesel::insert_into(discovery_backends::table)
        .values(row)
        .execute(connection)
        .await?;
    Ok(())
}

async fn update(connection: &mut Connection, row: &BackendRow) -> Result<bool, Fault> {
    let updated = diesel::update(discovery_backends::table.find(&row.address))
        .set(row)
        .execute(connection)
        .await?;
    Ok(updated > 0)
}

/// Nobody comes between the two statements: the version is locked.
async fn replace(connection: &mut Connection, row: Arc<BackendRow>) -> Result<Written, Fault> {
    if update(connection, &row).await? {
        return Ok(Written::Updated);
    }
    insert(connection, &row).await?;
    Ok(Written::Created)
}

async fn amend(
    connection: &mut Connection,
    asked: Arc<(BackendAddress, BackendPatch)>,
) -> Result<(), Fault> {
    let (address, patch) = &*asked;
    let row = find(connection, address.to_string())
        .await?
        .ok_or_else(|| refusal::backend_not_found(address))?;
    let mut backend = Backend::try_from(row)?;
    patch.apply(&mut backend);
    update(connection, &BackendRow::from(&backend))
        .await
        .map(drop)
}

async fn remove(connection: &mut Connection, address: BackendAddress) -> Result<(), Fault> {
    let row = discovery_backends::table.find(address.to_string());
    match diesel::delete(row).execute(connection).await? {
        0 => Err(refusal::backend_not_found(&address).into()),
        _ => Ok(()),
    }
}
