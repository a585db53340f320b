//! What checking an invoice costs, against the decoder's own check.

use std::{
    hint::black_box,
    io,
    str::FromStr as _,
    time::{SystemTime, UNIX_EPOCH},
};

use lightning_invoice::Bolt11Invoice;
use switchgear_benches::{
    cases::{Cases, NOISE},
    invoices::{Failure, Node, Ours, request},
    pairs::{Pair, Side, Target},
};
use switchgear_core::{
    backend::BackendAddress,
    ln::{Expectation, Invoice, IssuedInvoice, Network},
};

/// An invoice as a node made it, and what it is checked for.
pub(crate) struct Verification {
    invoice: Invoice,
    expected: Expectation,
}

impl Verification {
    /// Asks a node for an invoice.
    pub(crate) async fn prepare() -> Result<Self, Failure> {
        let node = Node::start()?;
        let ours = Ours::start(Ours::config(), vec![node.backend.clone()]).await?;
        let IssuedInvoice { invoice, node, .. } = ours.issue().await?;
        let BackendAddress::PublicKey(payee) = node else {
            return Err("the node is not known by its key".into());
        };
        Ok(Self {
            invoice,
            expected: Expectation {
                payee: Some(payee),
                network: Some(Network::Regtest),
                unix_time: SystemTime::now().duration_since(UNIX_EPOCH)?,
            },
        })
    }

    /// Writes the ratios.
    pub(crate) fn ratios(&self, cases: &mut Cases) -> io::Result<()> {
        let request = request();
        let verify = || self.invoice.verify(black_box(&request), &self.expected);
        let decode = || Bolt11Invoice::from_str(black_box(&self.invoice.bolt11));
        cases.pair("noise: verifying twice", NOISE, || Pair::twice(verify))?;
        let name = "verifying : the decoder's own check";
        cases.pair(name, Target::AtMost(1.0), || {
            Pair::new(Side::new(verify), Side::new(decode))
        })
    }
}
