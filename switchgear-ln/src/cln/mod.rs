//! Core Lightning over gRPC: <https://docs.corelightning.org/docs/grpc>.

mod channels;
mod classify;
mod client;
mod credentials;
pub(crate) mod proto;

pub use self::client::ClnClient;
