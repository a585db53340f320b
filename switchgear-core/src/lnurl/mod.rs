//! LNURL, one file per document of the series (LUD), and what they share.

mod bech32;
mod comment;
mod error;
mod metadata;
mod pay;

pub use self::{
    bech32::{LnurlDecodeError, decode, encode},
    comment::{Comment, CommentLimit},
    error::LnurlError,
    metadata::PayMetadata,
    pay::{PayInvoice, PayRequest, parse_amount},
};
