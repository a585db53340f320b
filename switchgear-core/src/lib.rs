//! Balancing, health, failover and LNURL for fleets of Lightning nodes, without any IO.
//!
//! Everything that can be decided wrongly is decided here, by functions of their arguments: this
//! crate opens no socket, reads no clock, spawns nothing and draws no randomness of its own. Time
//! comes in as a [`Moment`], randomness as a generator, and waits leave as values. Whoever carries
//! the bytes (`switchgear-ln`, `switchgear-http`, `switchgear-stores`, or a backend of your own)
//! drives it.
//!
//! ```
//! use switchgear_core::{Millisatoshi, lnurl, offer::SendableRange};
//!
//! let range = SendableRange::try_new(Millisatoshi::from_sat(1), Millisatoshi::from_sat(1_000)).unwrap();
//! assert_eq!(lnurl::parse_amount("21000", range), Ok(Millisatoshi::from_sat(21)));
//! assert!(lnurl::encode("https://lnurl.example.com/offers/default").starts_with("LNURL1"));
//! ```

pub mod backend;
pub mod balance;
pub mod ln;
pub mod lnurl;
pub mod offer;
pub mod store;

mod error_chain;
mod invalid;
mod millisatoshi;
mod moment;
mod partition;
mod sync;

pub use self::{
    error_chain::ErrorChain, invalid::InvalidValue, millisatoshi::Millisatoshi, moment::Moment,
    partition::Partition,
};
