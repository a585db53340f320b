use std::{net::SocketAddr, path::PathBuf};

use super::{
    files::FileKind,
    limits::{self, LimitsSection},
    reader::Section,
    report::Position,
    scalar::{boolean, socket_address},
};

/// Where a service listens, and how: the keys that every service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `address`: an IP address and a port; port 0 lets the kernel choose.
    pub address: SocketAddr,
    /// `tls`, off by default.
    pub tls: Option<TlsFiles>,
    /// `limits`.
    pub limits: LimitsSection,
    /// `reuse-port`, by default false: a new process may listen beside this one.
    pub reuse_port: bool,
    /// Where `address` stands, or the section.
    pub(super) at: Position,
}

/// `tls` of a service: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `cert-path`: the certificate and what leads to its root.
    pub cert_path: PathBuf,
    /// `key-path`: the certificate's private key.
    pub key_path: PathBuf,
}

/// Reads the keys of a listener, whose default port is `port` on the loopback address.
pub(super) fn read(section: &mut Section<'_>, port: u16) -> Listener {
    let at = section.position("address");
    let address = section.leaf("address", socket_address);
    let tls = section.optional_child("tls").and_then(read_tls);
    let limits = section.optional_child("limits").map(limits::read);
    let reuse_port = section.leaf("reuse-port", boolean);
    if section
        .leaf("log-file", |leaf| Ok(leaf.text().to_owned()))
        .is_some()
    {
        let hint = "leave it out: every service logs to standard error";
        section.unsupported("log-file", "a log file per service", hint);
    }
    Listener {
        address: address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port))),
        tls,
        limits: limits.unwrap_or_default(),
        reuse_port: reuse_port.unwrap_or(false),
        at,
    }
}

fn read_tls(mut section: Section<'_>) -> Option<TlsFiles> {
    let cert_path = section.required_file("cert-path", FileKind::Certificates);
    let of = cert_path.clone();
    let key_path = section.required_file("key-path", FileKind::PrivateKey { of });
    section.finish();
    Some(TlsFiles {
        cert_path: cert_path?,
        key_path: key_path?,
    })
}
