use std::path::PathBuf;

use super::{
    files::FileKind,
    listener::{self, Listener},
    reader::Section,
    scalar::integer,
};

/// `discovery-service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoverySection {
    /// Where it listens, by default 127.0.0.1:8081.
    pub listener: Listener,
    /// `auth-authority`: the PEM file of the public keys that its tokens are signed with.
    pub auth_authority: PathBuf,
}

/// `offer-service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSection {
    /// Where it listens, by default 127.0.0.1:8082.
    pub listener: Listener,
    /// `auth-authority`: the PEM file of the public keys that its tokens are signed with.
    pub auth_authority: PathBuf,
    /// `max-page-size`: the largest page of a list, and the usual one; by default 100.
    pub max_page_size: usize,
}

pub(super) fn read_discovery(mut section: Section<'_>) -> DiscoverySection {
    let listener = listener::read(&mut section, 8081);
    let auth_authority = authority(&mut section);
    section.finish();
    DiscoverySection {
        listener,
        auth_authority,
    }
}

pub(super) fn read_offer(mut section: Section<'_>) -> OfferSection {
    let listener = listener::read(&mut section, 8082);
    let auth_authority = authority(&mut section);
    let max_page_size = section.leaf("max-page-size", integer(1..=10_000));
    section.finish();
    OfferSection {
        listener,
        auth_authority,
        max_page_size: max_page_size.unwrap_or(100),
    }
}

/// The path, or an empty one beside the error that says so.
fn authority(section: &mut Section<'_>) -> PathBuf {
    section
        .required_file("auth-authority", FileKind::PublicKeys)
        .unwrap_or_default()
}
