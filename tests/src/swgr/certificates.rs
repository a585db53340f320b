//! The certificates of its listeners, of an authority of the test's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// An authority that signs a server's certificate, as often as it is to be renewed.
#[derive(Debug)]
pub(super) struct Certificates {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Certificates {
    /// A new authority with its root in `folder`, and the first certificate and its key there.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "switchgear test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let certificates = Self {
            issuer,
            folder: folder.to_owned(),
        };
        fs::write(certificates.root(), certificates.issuer.pem())?;
        certificates.renew()?;
        Ok(certificates)
    }

    /// The root's file.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// Writes a new key and a new certificate for it; gives the certificate in DER.
    pub(super) fn renew(&self) -> anyhow::Result<Vec<u8>> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "swgr");
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        // As who renews them does: a reader meets the old file or the new one, and no half of either.
        for (name, pem) in [
            ("server-key.pem", key.serialize_pem()),
            ("server.pem", certificate.pem()),
        ] {
            let new = self.folder.join(format!("{name}.new"));
            fs::write(&new, pem)?;
            fs::rename(&new, self.folder.join(name))?;
        }
        Ok(certificate.der().to_vec())
    }
}
