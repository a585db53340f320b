use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use switchgear_core::Millisatoshi;

use super::{Fault, SimCertificate, SimInvoice, gate::Gate, invoice::Signer};

/// A node under load makes more invoices than anybody asks for again.
const INVOICES_KEPT: usize = 65_536;

/// What a simulated node is, has done and is told to do; its calls and connections share it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) alias: String,
    pub(super) public_key: String,
    pub(super) signer: Signer,
    pub(super) gate: Arc<Gate>,
    pub(super) inbound: Mutex<Millisatoshi>,
    pub(super) certificate: Mutex<SimCertificate>,
    pub(super) fault: Mutex<Option<Fault>>,
    pub(super) counters: Counters,
    /// The header that is accepted: the macaroon in hex.
    pub(super) macaroon: Mutex<Secret>,
    pub(super) invoices: Mutex<Invoices>,
}

impl State {
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.lock().clone()
    }
}

/// Not for a log.
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) calls: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) invoices: AtomicU64,
    pub(super) faults: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }
}

/// The newest invoices, by payment hash.
#[derive(Debug, Default)]
pub(super) struct Invoices {
    by_hash: HashMap<[u8; 32], SimInvoice>,
    order: VecDeque<[u8; 32]>,
}

impl Invoices {
    pub(super) fn insert(&mut self, invoice: SimInvoice) {
        if self.order.len() == INVOICES_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_hash.remove(&oldest);
        }
        self.order.push_back(invoice.payment_hash);
        self.by_hash.insert(invoice.payment_hash, invoice);
    }

    pub(super) fn find(&self, payment_hash: &[u8; 32]) -> Option<SimInvoice> {
        self.by_hash.get(payment_hash).cloned()
    }
}
