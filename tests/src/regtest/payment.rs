//! A payment as its LND tells it.

use anyhow::ensure;
use serde_json::Value;

use super::invoice::{number, text};

/// A payment that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// 32 bytes in lower-case hex.
    pub payment_hash: String,
    /// The proof of payment: 32 bytes in lower-case hex.
    pub preimage: String,
    /// What the payee got, in millisatoshi.
    pub value_msat: u64,
    /// What the route took, in millisatoshi.
    pub fee_msat: u64,
}

impl Payment {
    /// Reads what `lncli payinvoice --json` prints; a payment that failed is an error with its reason.
    pub(super) fn from_json(json: &Value) -> anyhow::Result<Self> {
        let status = text(json, "status")?;
        ensure!(
            status == "SUCCEEDED",
            "the payment is {status} with {}",
            json["failure_reason"]
        );
        Ok(Self {
            payment_hash: text(json, "payment_hash")?,
            preimage: text(json, "payment_preimage")?,
            value_msat: number(json, "value_msat")?,
            fee_msat: number(json, "fee_msat")?,
        })
    }
}
