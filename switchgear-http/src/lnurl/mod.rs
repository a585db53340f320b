//! The LNURL service: offers, invoices, their bech32 and QR forms, and health checks.
//!
//! | path | answer |
//! |---|---|
//! | `/offers/{partition}/{id}` | the payRequest of [LUD-06] |
//! | `/offers/{partition}/{id}/invoice?amount=<msat>&comment=<text>` | an invoice, with a comment by [LUD-12] |
//! | `/offers/{partition}/{id}/bech32` | the LNURL of [LUD-01] in upper case |
//! | `/offers/{partition}/{id}/bech32/qr` | the same as a QR code |
//! | `/health`, `/health/full` | whether the process runs; whether invoices can be made |
//! | `/openapi.json` | all this, for programs |
//!
//! Every error is `{"status":"ERROR","reason":…}` and every answer has open CORS, as wallets in
//! browsers need them.
//!
//! [LUD-01]: https://github.com/lnurl/luds/blob/luds/01.md
//! [LUD-06]: https://github.com/lnurl/luds/blob/luds/06.md
//! [LUD-12]: https://github.com/lnurl/luds/blob/luds/12.md

mod answer;
mod api;
mod callback;
mod config;
mod drain;
mod health;
mod offers;
mod qr;
mod query;
mod rendered;
mod schemas;
mod service;

pub(crate) use self::answer::error_response;
pub use self::{
    callback::CallbackBase,
    config::{LnurlConfig, QrConfig},
    drain::DrainSwitch,
    service::LnurlService,
};

#[cfg(test)]
mod tests;
