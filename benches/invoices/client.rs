//! What both sides are asked.

use std::{error::Error, time::Duration};

use switchgear_core::{Millisatoshi, ln::InvoiceRequest, lnurl::PayMetadata};

use crate::fleet::partition;

/// Why a call of a bench failed, which ends it.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Whoever can ask a node for invoices.
pub trait Client: Clone + Send + Sync + 'static {
    /// Asks for one invoice, and gives its text (BOLT 11).
    fn invoice(&self) -> impl Future<Output = Result<String, Failure>> + Send;
}

/// What is asked for, always the same.
pub fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: partition(0),
        amount: Millisatoshi::from_sat(21),
        metadata: PayMetadata::from_served(r#"[["text/plain","a coffee"]]"#),
        expiry: Duration::from_secs(600),
        comment: None,
    }
}
