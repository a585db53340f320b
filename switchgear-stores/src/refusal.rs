//! What every store says when it refuses, in words for an administrator.

use switchgear_core::{
    Partition,
    backend::BackendAddress,
    store::{StoreError, StoreErrorKind},
};
use uuid::Uuid;

pub(crate) fn backend_exists(address: &BackendAddress) -> StoreError {
    conflict(format!("backend {} exists already", address.readable()))
}

pub(crate) fn backend_not_found(address: &BackendAddress) -> StoreError {
    not_found(format!("backend {} does not exist", address.readable()))
}

pub(crate) fn offer_exists(partition: &Partition, id: Uuid) -> StoreError {
    conflict(format!("offer {partition}/{id} exists already"))
}

pub(crate) fn offer_not_found(partition: &Partition, id: Uuid) -> StoreError {
    not_found(format!("offer {partition}/{id} does not exist"))
}

pub(crate) fn metadata_exists(partition: &Partition, id: Uuid) -> StoreError {
    conflict(format!("metadata {partition}/{id} exists already"))
}

pub(crate) fn metadata_not_found(partition: &Partition, id: Uuid) -> StoreError {
    not_found(format!("metadata {partition}/{id} does not exist"))
}

/// An offer names metadata that is not there.
pub(crate) fn metadata_missing(partition: &Partition, id: Uuid) -> StoreError {
    invalid(format!(
        "metadataId: metadata {partition}/{id} does not exist, create it before its offers"
    ))
}

pub(crate) fn metadata_in_use(partition: &Partition, id: Uuid) -> StoreError {
    invalid(format!(
        "metadata {partition}/{id} is used by an offer, delete its offers first"
    ))
}

pub(crate) fn page_key_unknown(id: Uuid) -> StoreError {
    invalid(format!(
        "after: {id} does not exist in this partition, start the list again"
    ))
}

fn conflict(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict, message)
}

fn not_found(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, message)
}

fn invalid(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, message)
}
