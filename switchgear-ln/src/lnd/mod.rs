//! LND over gRPC: <https://lightning.engineering/api-docs/api/lnd/>.

mod classify;
mod client;
mod credentials;
mod macaroon;
pub(crate) mod proto;

pub use self::client::LndClient;
