//! Below gRPC: the port, its connections, and what freezes, breaks or stalls them.

mod backlog;
mod connection;
mod gate;
mod line;
mod listener;
mod port;
mod shared;

pub(super) use self::{
    gate::Gate,
    line::{Ending, Line},
    port::Port,
};
