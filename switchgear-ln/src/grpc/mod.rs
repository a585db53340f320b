//! What the clients of all node kinds share: the connection, credentials that change on disk, the
//! way of one call through both, and transport errors in words.
//!
//! A kind of node brings a [`CredentialSource`] (its files, and what they make), its generated gRPC
//! client, which it puts on a [`Channel`] for each call, and a table that says what the statuses of
//! its kind mean. [`Node`] does the rest.

mod answer;
mod call_failure;
mod channel;
mod channel_list;
mod codes;
mod credentials;
mod dial;
mod failure;
mod file;
mod link;
mod node;
mod target;
#[cfg(test)]
mod tests;
mod watched_io;

pub(crate) use self::{
    answer::{LARGEST_ANSWER, LARGEST_CHANNEL_LIST, Told, invoice},
    channel::Channel,
    channel_list::ChannelList,
    codes::{Words, by_code, no_answer, refused},
    credentials::{CredentialSource, Trusted},
    failure::quote,
    file::{CredentialError, read_file},
    node::Node,
};
