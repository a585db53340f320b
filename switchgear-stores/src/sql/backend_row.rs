use std::error::Error;

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use serde_json::{from_str, to_string};
use switchgear_core::{
    backend::{Backend, BackendName, Weight},
    store::StoreError,
};

use super::{fault::damaged, schema::discovery_backends};

/// A backend in columns, so that an administrator's SQL finds its way; what has a shape of its own
/// (partitions, implementation) is the JSON of the discovery service.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = discovery_backends, primary_key(address), treat_none_as_null = true)]
pub(crate) struct BackendRow {
    pub(crate) address: String,
    name: Option<String>,
    partitions: String,
    weight: i32,
    enabled: bool,
    implementation: String,
}

impl From<&Backend> for BackendRow {
    fn from(backend: &Backend) -> Self {
        Self {
            address: backend.address.to_string(),
            name: backend.name.as_ref().map(ToString::to_string),
            partitions: to_string(&backend.partitions).expect("a list of text is always JSON"),
            weight: backend.weight.get().into(),
            enabled: backend.enabled,
            implementation: to_string(&backend.implementation)
                .expect("a structure with text keys is always JSON"),
        }
    }
}

impl TryFrom<BackendRow> for Backend {
    type Error = StoreError;

    fn try_from(row: BackendRow) -> Result<Self, StoreError> {
        let address = row.address.clone();
        read(row).map_err(|error| damaged(format_args!("backend {address}"), error))
    }
}

fn read(row: BackendRow) -> Result<Backend, Box<dyn Error + Send + Sync>> {
    Ok(Backend {
        address: row.address.parse()?,
        name: row.name.as_deref().map(BackendName::try_new).transpose()?,
        partitions: from_str(&row.partitions)?,
        weight: Weight::new(row.weight.try_into()?),
        enabled: row.enabled,
        implementation: from_str(&row.implementation)?,
    })
}
