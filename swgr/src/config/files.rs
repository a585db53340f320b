//! A look at the files that a configuration names, so that a wrong path is found before anything
//! is started.

use std::{fs, path::PathBuf};

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use switchgear_http::auth::{Audience, Authority};

use super::report::{Position, Sink};

/// What a file must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// PEM certificates.
    Certificates,
    /// A PEM private key.
    PrivateKey,
    /// PEM public keys that tokens are signed with.
    PublicKeys,
    /// A bearer token.
    Token,
}

impl FileKind {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Certificates => "the path of a PEM file of certificates",
            Self::PrivateKey => "the path of a PEM file of a private key",
            Self::PublicKeys => "the path of a public key that `swgr … token key` wrote",
            Self::Token => "the path of a token that `swgr … token mint` wrote",
        }
    }

    /// What is wrong with the file's content, if anything; never the content itself.
    fn fault(self, content: &[u8]) -> Option<&'static str> {
        match self {
            Self::Certificates => {
                (!all::<CertificateDer<'_>>(content)).then_some("holds no PEM certificate")
            }
            Self::PrivateKey => PrivateKeyDer::from_pem_slice(content)
                .err()
                .map(|_| "holds no PEM private key"),
            // The audience makes no difference to whether the keys can be read.
            Self::PublicKeys => Authority::from_pem(content, Audience::Discovery)
                .err()
                .map(|_| "holds no PEM public key of the curve P-256"),
            Self::Token => content
                .trim_ascii()
                .is_empty()
                .then_some("is empty, and should hold a token"),
        }
    }
}

/// A file that the configuration names, and where.
#[derive(Debug, Clone)]
pub(super) struct NamedFile {
    pub(super) path: PathBuf,
    pub(super) kind: FileKind,
    pub(super) at: Position,
    pub(super) key: String,
}

/// Reports each file that cannot be read, or holds something else.
pub(super) fn check(files: &[NamedFile], sink: &Sink) {
    for file in files {
        let path = file.path.display();
        let fault = match fs::read(&file.path) {
            Ok(content) => file
                .kind
                .fault(&content)
                .map(|fault| format!("{path} {fault}")),
            Err(error) => Some(format!("{path} cannot be read: {error}")),
        };
        if let Some(fault) = fault {
            sink.error(file.at, &file.key, fault, Some(file.kind.hint().to_owned()));
        }
    }
}

/// Whether there is at least one section of this kind, and none that is broken.
fn all<T: PemObject>(content: &[u8]) -> bool {
    let sections: Result<Vec<T>, pem::Error> = T::pem_slice_iter(content).collect();
    sections.is_ok_and(|sections| !sections.is_empty())
}
