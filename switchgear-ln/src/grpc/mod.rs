//! What clients of all node kinds share: the connection, credentials that change on disk, and
//! transport errors in words.

mod credentials;
mod endpoint;
mod failure;
mod link;

pub(crate) use self::{
    credentials::{CredentialError, CredentialSource, Watched, read_file},
    endpoint::Target,
    failure::{quote, transport_failure, was_never_sent},
    link::{ConnectFailure, Connection, Link},
};
