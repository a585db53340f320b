use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ServerConfig, server::danger::ClientCertVerifier};
use switchgear_core::backend::{ClnAuth, CredentialPath, LndAuth};

use super::{
    FaultKind, SimCertificate, SimNodeKind,
    authority::{Authority, ClientIdentity},
    certificate,
    expired::Expired,
    secret::{Secret, write_secret},
    shown::Shown,
};

/// What a node shows, what it asks for, and the files from which a client learns both.
#[derive(Debug)]
pub(super) struct Credentials {
    directory: PathBuf,
    certificate: SimCertificate,
    /// What is shown instead, as long as it is.
    expired: Option<Expired>,
    demanded: Demanded,
}

/// What a client must bring.
#[derive(Debug)]
enum Demanded {
    /// LND: a macaroon, in hex.
    Macaroon(Secret),
    /// Core Lightning: a certificate that the node's authority signed.
    Certificate {
        authority: Box<Authority>,
        client: ClientIdentity,
        verifier: Arc<dyn ClientCertVerifier>,
    },
}

impl Credentials {
    /// New ones, which no file tells yet.
    pub(super) fn new(kind: SimNodeKind, directory: &Path) -> io::Result<Self> {
        let (certificate, demanded) = match kind {
            SimNodeKind::Lnd => (
                SimCertificate::self_signed()?,
                Demanded::Macaroon(new_macaroon()),
            ),
            SimNodeKind::Cln => {
                let authority = Box::new(Authority::new()?);
                let client = authority.client()?;
                let certificate = authority.server(false)?;
                let demanded = Demanded::Certificate {
                    verifier: authority.verifier()?,
                    authority,
                    client,
                };
                (certificate, demanded)
            }
        };
        Ok(Self {
            directory: directory.to_owned(),
            certificate,
            expired: None,
            demanded,
        })
    }

    /// Writes the files as the node's software does; what has expired stands in its file.
    pub(super) fn write(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let shown = self.expired.as_ref().map(Expired::certificate);
        let shown = shown.unwrap_or(&self.certificate);
        fs::write(self.tls_cert_path(), shown.pem())?;
        if let Some(expired) = &mut self.expired {
            expired.hold(self.certificate.pem());
        }
        match &self.demanded {
            Demanded::Macaroon(macaroon) => self.write_macaroon(macaroon),
            Demanded::Certificate {
                authority, client, ..
            } => {
                fs::write(self.directory.join("ca.pem"), authority.pem())?;
                fs::write(self.directory.join("client.pem"), &client.certificate)?;
                let key = client.key.as_str().as_bytes();
                write_secret(&self.directory.join("client-key.pem"), key)
            }
        }
    }

    /// Asks for a new macaroon, and writes it.
    pub(super) fn rotate_macaroon(&mut self) -> io::Result<()> {
        if !matches!(self.demanded, Demanded::Macaroon(_)) {
            let message = "Core Lightning knows no macaroons: rotate its certificate";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let macaroon = new_macaroon();
        self.write_macaroon(&macaroon)?;
        self.demanded = Demanded::Macaroon(macaroon);
        Ok(())
    }

    /// Takes a new certificate, and writes it; Core Lightning takes a new authority too. One that
    /// had expired does not come back.
    pub(super) fn rotate_certificate(&mut self) -> io::Result<()> {
        match self.demanded {
            Demanded::Macaroon(_) => {
                let certificate = SimCertificate::self_signed()?;
                fs::write(self.tls_cert_path(), certificate.pem())?;
                self.certificate = certificate;
                self.expired = None;
            }
            Demanded::Certificate { .. } => {
                let mut renewed = Self::new(SimNodeKind::Cln, &self.directory)?;
                renewed.write()?;
                *self = renewed;
            }
        }
        Ok(())
    }

    fn write_macaroon(&self, macaroon: &Secret) -> io::Result<()> {
        let bytes = hex::decode(macaroon.as_str()).map_err(io::Error::other)?;
        write_secret(&self.macaroon_path(), &bytes)
    }

    /// Takes `certificate`; the file is as before, or as it was before that one expired.
    pub(super) fn present(&mut self, certificate: SimCertificate) {
        self.certificate = certificate;
        // What cannot be written back is no matter of what is shown.
        let _ = self.revive();
        self.expired = None;
    }

    /// How handshakes go while the node has `fault`.
    pub(super) fn shown_in(&mut self, fault: Option<FaultKind>) -> io::Result<Shown> {
        if fault != Some(FaultKind::ExpiredCertificate) {
            self.revive()?;
        }
        let server = match fault {
            Some(FaultKind::ExpiredCertificate) => self.expire()?,
            Some(FaultKind::SwappedCertificate) => self.foreign_server()?,
            Some(FaultKind::TlsAlert) => certificate::refusing(),
            _ => return Ok(Shown::own(self.server())),
        };
        Ok(Shown { server, fault })
    }

    /// How handshakes go with what it shows.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.certificate.server(self.verifier())
    }

    /// How handshakes go with a certificate that is over.
    fn expire(&mut self) -> io::Result<Arc<ServerConfig>> {
        let clients = self.verifier();
        if let Some(expired) = &mut self.expired {
            expired.take_place()?;
            return Ok(expired.certificate().server(clients));
        }
        let mut expired = Expired::new(self.tls_cert_path(), self.expired_certificate()?);
        expired.take_place()?;
        let server = expired.certificate().server(clients);
        self.expired = Some(expired);
        Ok(server)
    }

    fn expired_certificate(&self) -> io::Result<SimCertificate> {
        match &self.demanded {
            Demanded::Macaroon(_) => SimCertificate::expired(),
            Demanded::Certificate { authority, .. } => authority.server(true),
        }
    }

    /// Has the own certificate in its file again.
    fn revive(&mut self) -> io::Result<()> {
        if let Some(expired) = &self.expired {
            expired.give_place()?;
        }
        self.expired = None;
        Ok(())
    }

    /// How handshakes go with a certificate that no file tells of.
    fn foreign_server(&self) -> io::Result<Arc<ServerConfig>> {
        let foreign = match &self.demanded {
            Demanded::Macaroon(_) => SimCertificate::self_signed()?,
            Demanded::Certificate { .. } => Authority::new()?.server(false)?,
        };
        Ok(foreign.server(self.verifier()))
    }

    /// The header that LND accepts.
    pub(super) fn macaroon(&self) -> Option<&str> {
        match &self.demanded {
            Demanded::Macaroon(macaroon) => Some(macaroon.as_str()),
            Demanded::Certificate { .. } => None,
        }
    }

    /// The file of what is shown: LND's clients trust just that.
    pub(super) fn tls_cert_path(&self) -> PathBuf {
        match self.demanded {
            Demanded::Macaroon(_) => self.directory.join("tls.cert"),
            Demanded::Certificate { .. } => self.directory.join("server.pem"),
        }
    }

    pub(super) fn macaroon_path(&self) -> PathBuf {
        self.directory.join("admin.macaroon")
    }

    /// What a client of this node reads.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        match self.demanded {
            Demanded::Macaroon(_) => vec![self.tls_cert_path(), self.macaroon_path()],
            Demanded::Certificate { .. } => ["ca.pem", "client.pem", "client-key.pem"]
                .map(|name| self.directory.join(name))
                .to_vec(),
        }
    }

    pub(super) fn lnd_auth(&self) -> LndAuth {
        LndAuth::Path {
            tls_cert_path: credential(&self.tls_cert_path()),
            macaroon_path: credential(&self.macaroon_path()),
        }
    }

    pub(super) fn cln_auth(&self) -> ClnAuth {
        ClnAuth::Path {
            ca_cert_path: credential(&self.directory.join("ca.pem")),
            client_cert_path: credential(&self.directory.join("client.pem")),
            client_key_path: credential(&self.directory.join("client-key.pem")),
        }
    }

    fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        match &self.demanded {
            Demanded::Macaroon(_) => None,
            Demanded::Certificate { verifier, .. } => Some(Arc::clone(verifier)),
        }
    }
}

fn new_macaroon() -> Secret {
    Secret::new(hex::encode(macaroon(rand::random())))
}

/// Of version 2 with an identifier, no caveats and this signature.
fn macaroon(signature: [u8; 32]) -> Vec<u8> {
    const LOCATION: &[u8] = &[1, 3, b'l', b'n', b'd'];
    const IDENTIFIER: &[u8] = &[2, 3, b's', b'i', b'm'];
    const ENDS: &[u8] = &[0, 0];
    const SIGNATURE: &[u8] = &[6, 32];

    [&[2], LOCATION, IDENTIFIER, ENDS, SIGNATURE, &signature].concat()
}

fn credential(path: &Path) -> CredentialPath {
    path.to_str()
        .and_then(|path| CredentialPath::try_new(path).ok())
        .expect("the node's directory has a path in UTF-8")
}
