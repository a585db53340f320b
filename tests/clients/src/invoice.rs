use anyhow::{Context as _, ensure};
use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};

/// An invoice as a wallet may pay it.
#[derive(Debug)]
pub(crate) struct Good {
    /// The payment hash, which no other invoice has.
    pub(crate) payment: String,
    /// The node that made it.
    pub(crate) payee: String,
}

/// Checks an invoice by LDK's own crate: signature, amount, time, and that its description hash is that of
/// `metadata`.
pub(crate) fn check(invoice: &str, millisatoshi: u64, metadata: &str) -> anyhow::Result<Good> {
    let invoice: Bolt11Invoice = invoice
        .parse()
        .ok()
        .with_context(|| format!("not an invoice: {invoice}"))?;
    invoice.check_signature()?;
    let amount = invoice.amount_milli_satoshis();
    ensure!(
        amount == Some(millisatoshi),
        "the invoice is for {amount:?} msat instead of {millisatoshi}"
    );
    let expected = sha256::Hash::hash(metadata.as_bytes());
    let Bolt11InvoiceDescriptionRef::Hash(hash) = invoice.description() else {
        anyhow::bail!("the invoice has no description hash");
    };
    ensure!(
        hash.0.to_string() == expected.to_string(),
        "the invoice is for the description {} instead of {expected}",
        hash.0
    );
    ensure!(!invoice.is_expired(), "the invoice is expired");
    Ok(Good {
        payment: invoice.payment_hash().to_string(),
        payee: invoice.recover_payee_pub_key().to_string(),
    })
}
