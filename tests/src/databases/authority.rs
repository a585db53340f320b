//! An authority of one server's own, as a private network has it.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// A certificate authority whose root lies in a file for those who trust it.
#[derive(Debug)]
pub struct Authority {
    root: PathBuf,
}

/// A server's certificate and its key, in files.
#[derive(Debug)]
pub(super) struct ServerFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Authority {
    /// A new authority with its root in `folder`; nobody trusts it yet, and it signed nothing.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn stranger(folder: &Path) -> anyhow::Result<Self> {
        let issuer = issuer("a stranger")?;
        let root = folder.join("stranger.pem");
        std::fs::write(&root, issuer.pem())?;
        Ok(Self { root })
    }

    /// The file of the root certificate.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new authority, and a certificate of its for the name `localhost`: no address is in it.
    pub(super) fn with_server(folder: &Path) -> anyhow::Result<(Self, ServerFiles)> {
        let issuer = issuer("switchgear test authority")?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "server");
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        let files = ServerFiles {
            certificate: folder.join("server.pem"),
            key: folder.join("server-key.pem"),
        };
        let root = folder.join("ca.pem");
        std::fs::write(&root, issuer.pem())?;
        std::fs::write(&files.certificate, certificate.pem())?;
        std::fs::write(&files.key, key.serialize_pem())?;
        Ok((Self { root }, files))
    }
}

fn issuer(name: &str) -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}
