//! Ports of the kernel's choice.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

/// A TCP port that is free on loopback at this moment.
///
/// Another process can take it before it is bound again, so whoever passes it on must be ready to start over once.
///
/// # Errors
///
/// When loopback has no free port left.
pub fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}
