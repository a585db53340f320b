use std::{fs, io, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// The names in all certificates that the plugin makes.
const NAMES: [&str; 2] = ["cln", "localhost"];

/// What the plugin writes into the node's directory: an authority, and what it signed for the server and
/// for clients.
#[derive(Debug)]
pub struct Certificates {
    authority: String,
    server: Pair,
    client: Pair,
}

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

impl Certificates {
    /// New ones, of an authority of their own.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn generate() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = params("cln Root CA")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let authority = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self {
            authority: authority.pem(),
            server: Pair::signed_by(&authority, "cln grpc Server")?,
            client: Pair::signed_by(&authority, "cln grpc Client")?,
        })
    }

    /// Writes `ca.pem`, `client.pem` and `client-key.pem`, the files that a client is given.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_for_client(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join("ca.pem"), &self.authority)?;
        fs::write(directory.join("client.pem"), &self.client.certificate)?;
        fs::write(directory.join("client-key.pem"), &self.client.key)
    }

    /// The server's side, as the plugin configures it.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(
                &self.server.certificate,
                &self.server.key,
            ))
            .client_ca_root(Certificate::from_pem(&self.authority))
    }
}

impl Pair {
    fn signed_by(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params(name)?
            .signed_by(&key, authority)
            .map_err(io::Error::other)?;
        Ok(Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn params(name: &str) -> io::Result<CertificateParams> {
    let names = NAMES.map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
