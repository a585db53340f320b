use std::sync::atomic::{AtomicU64, Ordering};

use super::FaultKind;

/// What has happened to a node so far; a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SimCounters {
    /// Connections accepted.
    pub connections: u64,
    /// TLS handshakes that succeeded; a client that is refused, or refuses, makes none.
    pub handshakes: u64,
    /// Calls received, those that failed included.
    pub calls: u64,
    /// Invoices made, wrong ones included.
    pub invoices: u64,
    faults: [u64; FaultKind::ALL.len()],
}

impl SimCounters {
    /// How often faults of a kind were felt: calls that were answered wrongly, slowly or not at all,
    /// handshakes, connections that were told to go away or reset, and stops. A node that is frozen
    /// counts reads and writes that it held up. What the kernel refuses or drops reaches no node:
    /// such a fault counts once, when it begins.
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.faults.get(kind as usize).copied().unwrap_or(0)
    }

    /// How often any fault was felt.
    pub fn faults(&self) -> u64 {
        self.faults.iter().sum()
    }

    /// The kinds that were felt, and how often.
    pub fn felt(&self) -> impl Iterator<Item = (FaultKind, u64)> {
        FaultKind::ALL
            .into_iter()
            .zip(self.faults)
            .filter(|(_, count)| *count > 0)
    }
}

/// Counts while the node works.
#[derive(Debug, Default)]
pub(super) struct Counters {
    connections: AtomicU64,
    handshakes: AtomicU64,
    calls: AtomicU64,
    invoices: AtomicU64,
    faults: [AtomicU64; FaultKind::ALL.len()],
}

impl Counters {
    pub(super) fn connection(&self) {
        add(&self.connections);
    }

    pub(super) fn handshake(&self) {
        add(&self.handshakes);
    }

    pub(super) fn call(&self) {
        add(&self.calls);
    }

    /// Gives the number of the invoice, from 1.
    pub(super) fn invoice(&self) -> u64 {
        add(&self.invoices)
    }

    pub(super) fn served(&self, kind: FaultKind) {
        if let Some(count) = self.faults.get(kind as usize) {
            add(count);
        }
    }

    pub(super) fn snapshot(&self) -> SimCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        SimCounters {
            connections: read(&self.connections),
            handshakes: read(&self.handshakes),
            calls: read(&self.calls),
            invoices: read(&self.invoices),
            faults: self.faults.each_ref().map(read),
        }
    }
}

fn add(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::SeqCst) + 1
}
