//! From a checked configuration to running services, and back to nothing at a signal.
//!
//! ```text
//!  Config ─▶ listeners (bound first: a port in use is found before a store is touched)
//!         ─▶ stores    (each once; the same Arc serves requests and feeds the balancer)
//!         ─▶ cache     (between the LNURL service and the offers; the offer service writes through it)
//!         ─▶ balancer  (its driver is a task here)
//!         ─▶ services  ─▶ run … signal ─▶ not ready ─▶ delay ─▶ stop accepting ─▶ drain ─▶ exit
//! ```

mod authority;
mod cache;
mod listeners;
mod services;
mod shutdown;
mod stores;

pub(crate) use self::{shutdown::Signals, stores::migrate};
use crate::{Failure, config::Config};

/// Starts the services that the configuration was checked for, and runs them until a signal.
///
/// The first signal drains them; a second one returns at once.
///
/// # Errors
/// When a listener, a store or a service fails to start, or a service ends by itself.
pub async fn run(config: Config) -> Result<(), Failure> {
    let mut signals = shutdown::Signals::listen()?;
    let running = tokio::select! {
        running = services::Running::start(&config) => running?,
        signal = signals.next() => {
            tracing::info!("{signal} during the start, nothing was served");
            return Ok(());
        }
    };
    running.until(signals).await
}
