//! What the tests of the whole share: real nodes, real processes, real sockets.
//!
//! - [`Process`] supervises one child with its log; it dies with its owner, however the owner ends.
//! - [`Regtest`] is a chain of its own with two LNDs, `alice` who can pay and `bob` who can be paid.
//! - [`DatabaseServer`] is a PostgreSQL or MariaDB with TLS, to be stopped, killed, frozen and filled.
//! - [`Nginx`] stands in front of something, as configured.
//! - [`Swgr`] is the server as a process of its own, administered by its own command line.
//! - [`Wire`] is a connection on which every byte is the caller's, and [`Door`] opens it.
//! - [`row::Row`] is what a test measured, against what must hold; [`size::size`] is how much of it is run.
//! - [`eventually`] waits for an event instead of sleeping, and says what it waited for when it gives up.
//!
//! Everything listens on loopback only, on ports of
//! the kernel's choice, and keeps its files in a temporary folder.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use switchgear_tests::Regtest;
//!
//! let Some(regtest) = Regtest::start_or_skip().await? else {
//!     return Ok(()); // Go is missing on this machine, and it was said so
//! };
//! let invoice = regtest.bob.add_invoice(21_000, "coffee").await?;
//! regtest.alice.pay(&invoice.bolt11).await?;
//! assert!(regtest.bob.lookup_invoice(&invoice.payment_hash).await?.is_settled());
//! # Ok(())
//! # }
//! ```

mod client;
mod databases;
mod eventually;
mod nginx;
mod port;
mod process;
mod programs;
mod regtest;
pub mod row;
pub mod size;
mod swgr;
mod wire;

pub use databases::{
    Authority, Database, DatabaseKind, DatabaseServer, DatabaseUser, ServerOptions, SmallDisk,
};
pub use eventually::eventually;
pub use nginx::Nginx;
pub use port::free_port;
pub use process::{Log, Process, Signal};
pub use regtest::{Btcd, Invoice, Lnd, NodeBinaries, Payment, Regtest, nodes_or_skip};
pub use swgr::{Service, Swgr, SwgrOptions, program};
pub use wire::{Answer, Door, Stream, Wire};
