use switchgear_core::{ErrorChain, backend::Backend, balance::HealthChange, ln::LnError};
use tracing::{debug, info, warn};

use super::clients::Label;

/// Logs how a node's standing changed, and why.
pub(super) fn tell(backend: &Backend, change: HealthChange, reason: Option<&LnError>) {
    let node = Label(backend);
    match (change, reason) {
        (HealthChange::Healthy, _) => info!("node {node} is healthy"),
        (HealthChange::Unhealthy, Some(reason)) => {
            warn!("node {node} is unhealthy: {reason}");
            debug!("node {node} is unhealthy: {}", ErrorChain(reason));
        }
        (HealthChange::Unhealthy, None) => warn!("node {node} is unhealthy"),
        (HealthChange::Ejected, _) => {
            warn!("node {node} is put aside: its invoice calls keep failing");
        }
        (HealthChange::Readmitted, _) => info!("node {node} is back: it made an invoice"),
    }
}

/// Logs that a node is still unhealthy, now for this reason.
pub(super) fn tell_again(backend: &Backend, reason: &LnError) {
    let node = Label(backend);
    warn!("node {node} is still unhealthy: {reason}");
    debug!("node {node} is still unhealthy: {}", ErrorChain(reason));
}
