use std::collections::{HashMap, HashSet, VecDeque};

use super::SimInvoice;

/// A node under load makes more invoices than anybody asks for again.
const KEPT: usize = 65_536;

/// The newest invoices, by payment hash, and their labels.
#[derive(Debug, Default)]
pub(super) struct Invoices {
    by_hash: HashMap<[u8; 32], SimInvoice>,
    labels: HashSet<String>,
    order: VecDeque<[u8; 32]>,
}

impl Invoices {
    /// Takes a label, unless one of the newest invoices has it.
    pub(super) fn take_label(&mut self, label: &str) -> bool {
        self.labels.insert(label.to_owned())
    }

    pub(super) fn insert(&mut self, invoice: SimInvoice) {
        if self.order.len() == KEPT
            && let Some(oldest) = self.order.pop_front()
            && let Some(label) = self.by_hash.remove(&oldest).and_then(|oldest| oldest.label)
        {
            self.labels.remove(&label);
        }
        self.order.push_back(invoice.payment_hash);
        self.by_hash.insert(invoice.payment_hash, invoice);
    }

    pub(super) fn find(&self, payment_hash: &[u8; 32]) -> Option<SimInvoice> {
        self.by_hash.get(payment_hash).cloned()
    }
}
