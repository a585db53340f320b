use std::time::Duration;

use crate::{
    Millisatoshi, Partition,
    lnurl::{Comment, PayMetadata},
};

/// What a wallet asks for: an invoice of one partition, whichever node makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRequest {
    /// The partition whose nodes may answer.
    pub partition: Partition,
    /// The amount.
    pub amount: Millisatoshi,
    /// What the invoice's description hash commits to. LND takes the hash, CLN the text.
    pub metadata: PayMetadata,
    /// How long the invoice can be paid, to the second.
    pub expiry: Duration,
    /// The payer's comment: the key of consistent hashing.
    pub comment: Option<Comment>,
}
