//! Stores of Lightning node backends and of LNURL offers.
//!
//! Each store is a module of its own and implements the traits of `switchgear-core`:
//!
//! | module | keeps its records | feature |
//! |---|---|---|
//! | [`memory`] | in this process, until it ends | |
//! | [`sqlite`] | in a SQLite file, which several processes of one machine may share | `sqlite` (default) |
//! | [`postgres`] | in a PostgreSQL database | `postgres` (default) |
//! | [`mysql`] | in a MariaDB or MySQL database | `mysql` (default) |
//! | [`http`] | behind a remote discovery or offer service | `http` (default) |
//!
//! `cached` (feature, default) keeps the answers of any of them on the read path of offers.
//!
//! `conformance` (feature) is the suite that all of them pass; run it against a store of your own.
//!
//! Records are checked where they enter, by the types of `switchgear-core`: a store keeps what it
//! is given, in the order of its creation, and guards only what one record cannot know of another.
//! It judges no offer's validity, opens no credential file of a node and caches
//! nothing by itself.
//!
//! ```
//! use switchgear_core::{backend::{Backend, DiscoveryBackendStore}, store::StoreErrorKind};
//! use switchgear_stores::memory::MemoryDiscoveryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend: Backend = serde_json::from_str(r#"{
//!     "address": {"url": "https://lnd.example.com"},
//!     "partitions": ["default"],
//!     "weight": 1,
//!     "enabled": true,
//!     "implementation": {
//!         "type": "lndGrpc", "url": "https://lnd.example.com:10009",
//!         "auth": {"type": "path", "tlsCertPath": "/lnd/tls.cert", "macaroonPath": "/lnd/invoice.macaroon"},
//!         "ampInvoice": false
//!     }
//! }"#)?;
//!
//! let store = MemoryDiscoveryStore::new();
//! store.post(backend.clone()).await?;
//! assert_eq!(store.get(&backend.address).await?, Some(backend.clone()));
//!
//! let refusal = store.post(backend).await.unwrap_err();
//! assert_eq!(refusal.kind(), StoreErrorKind::Conflict);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    any(
        all(feature = "sqlite", feature = "postgres"),
        all(feature = "sqlite", feature = "mysql"),
        all(feature = "postgres", feature = "mysql"),
    ),
    expect(
        clippy::duplicate_mod,
        reason = "what SQL stores share is compiled once for each database: `sql/mod.rs` says why"
    )
)]

pub mod memory;

#[cfg(feature = "cached")]
pub mod cached;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

mod changes;
mod refusal;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod sql;
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "http"
))]
mod unreadable;
