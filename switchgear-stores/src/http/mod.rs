//! Stores behind a remote discovery or offer service: the client of its REST interface.
//!
//! The remote service may be another instance or anything else that speaks the same interface. A
//! store here keeps nothing and tries nothing twice: whoever calls it decides what an outage means.
//! Redirects are not followed, because the token would go along.
//!
//! Connections speak HTTP/1.1 and are pooled. A request that is given up takes its connection with
//! it, so that a dead link is never asked twice.
//!
//! ```
//! use switchgear_stores::http::{HttpOfferStore, HttpStoreConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let token_file = folder.path().join("offer.token");
//! # std::fs::write(&token_file, "e30.e30.e30\n")?;
//! let config = HttpStoreConfig::new("http://10.0.0.7:3002".parse()?, token_file);
//! let store = HttpOfferStore::try_new(config)?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod config;
mod discovery;
mod endpoint;
mod offers;
mod service;
mod tls;
mod token;
mod watched;

pub use self::{config::HttpStoreConfig, discovery::HttpDiscoveryStore, offers::HttpOfferStore};
