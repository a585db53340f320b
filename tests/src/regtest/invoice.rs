//! An invoice as its LND tells it.

use anyhow::Context;
use serde_json::Value;

/// An invoice of an LND, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// The invoice as a wallet gets it.
    pub bolt11: String,
    /// 32 bytes in lower-case hex.
    pub payment_hash: String,
    /// `OPEN`, `SETTLED`, `CANCELED` or `ACCEPTED`.
    pub state: String,
    /// What is asked, in millisatoshi.
    pub value_msat: u64,
    /// What was paid, in millisatoshi; 0 until it is settled.
    pub paid_msat: u64,
    /// The description; empty where only its hash is known.
    pub memo: String,
    /// SHA-256 of the description in lower-case hex; empty where the description itself is in the invoice.
    pub description_hash: String,
    /// Seconds after its creation until it cannot be paid any more.
    pub expiry_seconds: u64,
}

impl Invoice {
    /// Whether it is paid.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state == "SETTLED"
    }

    /// Reads what `lncli lookupinvoice` prints.
    pub(super) fn from_json(json: &Value) -> anyhow::Result<Self> {
        Ok(Self {
            bolt11: text(json, "payment_request")?,
            payment_hash: text(json, "r_hash")?,
            state: text(json, "state")?,
            value_msat: number(json, "value_msat")?,
            paid_msat: number(json, "amt_paid_msat")?,
            memo: text(json, "memo")?,
            description_hash: text(json, "description_hash")?,
            expiry_seconds: number(json, "expiry")?,
        })
    }
}

/// A text of an answer of `lncli`.
pub(super) fn text(json: &Value, key: &str) -> anyhow::Result<String> {
    let text = json[key].as_str().map(str::to_owned);
    text.with_context(|| format!("lncli's answer has no text `{key}`: {json}"))
}

/// A whole number of an answer of `lncli`, which prints those of 64 bits as texts.
pub(super) fn number(json: &Value, key: &str) -> anyhow::Result<u64> {
    let value = &json[key];
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.with_context(|| format!("lncli's answer has no number `{key}`: {json}"))
}
