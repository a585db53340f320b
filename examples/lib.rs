//! Who uses switchgear, and how.
//!
//! Each example of this package is a program that CI runs; this library holds what they share: a
//! [`Wallet`], the other side of everything that switchgear serves.

mod wallet;

pub use self::wallet::{PayInvoice, PayOffer, Wallet};
