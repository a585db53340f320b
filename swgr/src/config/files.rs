//! A look at the files that a configuration names, so that a wrong path is found before anything
//! is started.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustls::{
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
    sign::CertifiedKey,
};
use switchgear_http::auth::{Audience, Authority};

use super::report::{Position, Sink};

/// What a file must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileKind {
    /// PEM certificates.
    Certificates,
    /// The PEM private key of a certificate, whose file this is where it is known.
    PrivateKey { of: Option<PathBuf> },
    /// PEM public keys that tokens are signed with.
    PublicKeys,
    /// A bearer token.
    Token,
}

impl FileKind {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Certificates => "the path of a PEM file of certificates",
            Self::PrivateKey { .. } => "the path of a PEM file of the certificate's private key",
            Self::PublicKeys => "the path of a public key that `swgr … token key` wrote",
            Self::Token => "the path of a token that `swgr … token mint` wrote",
        }
    }

    /// What is wrong with the file's content, if anything; never the content itself.
    fn fault(&self, content: &[u8]) -> Option<String> {
        let fault = match self {
            Self::Certificates => certificates(content)
                .is_none()
                .then_some("holds no PEM certificate"),
            Self::PrivateKey { of } => match PrivateKeyDer::from_pem_slice(content) {
                Ok(key) => return mismatch(key, of.as_deref()?),
                Err(_) => Some("holds no PEM private key"),
            },
            // The audience makes no difference to whether the keys can be read.
            Self::PublicKeys => Authority::from_pem(content, Audience::Discovery)
                .err()
                .map(|_| "holds no PEM public key of the curve P-256"),
            Self::Token => content
                .trim_ascii()
                .is_empty()
                .then_some("is empty, and should hold a token"),
        };
        fault.map(str::to_owned)
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

/// The certificates, where there is at least one, and none that is broken.
fn certificates(content: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let sections: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(content).collect();
    sections.ok().filter(|sections| !sections.is_empty())
}

/// Why `key` cannot serve TLS with the certificate at `path`. A file that holds none is reported for
/// itself.
fn mismatch(key: PrivateKeyDer<'static>, path: &Path) -> Option<String> {
    let chain = certificates(&fs::read(path).ok()?)?;
    let error = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).err()?;
    let path = path.display();
    Some(match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("is not the key of the certificate in {path}")
        }
        error => format!("cannot be used with the certificate in {path}: {error}"),
    })
}
