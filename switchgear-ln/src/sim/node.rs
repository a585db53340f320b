use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use bitcoin_hashes::{Hash as _, sha256};
use parking_lot::Mutex;
use secp256k1::{Secp256k1, SecretKey};
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{
        Backend, BackendAddress, BackendName, CredentialPath, Implementation, LndAuth, LndGrpc,
        NodeUrl, Partitions, PublicKey, Weight,
    },
};

use super::{
    Fault, SimCertificate, SimInvoice, SimNodeConfig,
    gate::Gate,
    invoice::{Signer, random_key},
    listener::{Listener, Stop},
    state::{Counters, Invoices, Secret, State},
};

/// A simulated LND node. Dropping it kills it; its files stay.
#[derive(Debug)]
pub struct SimNode {
    state: Arc<State>,
    public_key: PublicKey,
    directory: PathBuf,
    address: SocketAddr,
    listener: Mutex<Option<Listener>>,
}

impl SimNode {
    /// Writes the node's files and listens.
    ///
    /// # Errors
    /// When a file cannot be written, or the address is taken.
    pub async fn start(config: SimNodeConfig) -> io::Result<Self> {
        let key = config.seed.map_or_else(random_key, seeded_key);
        let public_key = PublicKey::from(key.public_key(&Secp256k1::signing_only()));
        let state = Arc::new(State {
            alias: config.alias,
            public_key: public_key.to_string(),
            signer: Signer {
                key,
                network: config.network,
            },
            gate: Arc::new(Gate::default()),
            inbound: Mutex::new(config.inbound),
            certificate: Mutex::new(SimCertificate::self_signed()?),
            fault: Mutex::new(None),
            counters: Counters::default(),
            macaroon: Mutex::new(Secret(String::new())),
            invoices: Mutex::new(Invoices::default()),
        });
        let listener = Listener::bind(config.address, Arc::clone(&state)).await?;
        let node = Self {
            state,
            public_key,
            directory: config.directory,
            address: listener.address(),
            listener: Mutex::new(Some(listener)),
        };
        fs::create_dir_all(&node.directory)?;
        fs::write(node.tls_cert_path(), node.state.certificate.lock().pem())?;
        node.rotate_macaroon()?;
        Ok(node)
    }

    /// Where it listens, or listened last.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its gRPC address.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Its certificate, in its directory.
    pub fn tls_cert_path(&self) -> PathBuf {
        self.directory.join("tls.cert")
    }

    /// Its macaroon, in its directory.
    pub fn macaroon_path(&self) -> PathBuf {
        self.directory.join("admin.macaroon")
    }

    /// The key that signs its invoices.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// How it is registered with discovery: enabled, with weight 1, known by its public key.
    ///
    /// # Panics
    /// Without a partition, or when the directory's path is not UTF-8.
    pub fn backend(&self, partitions: impl IntoIterator<Item = Partition>) -> Backend {
        Backend {
            address: BackendAddress::PublicKey(self.public_key),
            name: BackendName::try_new(&self.state.alias).ok(),
            partitions: Partitions::try_new(partitions).expect("at least one partition is given"),
            weight: Weight::ONE,
            enabled: true,
            implementation: Implementation::LndGrpc(LndGrpc {
                url: NodeUrl::try_new(&self.url()).expect("a socket address makes a URL"),
                domain: None,
                auth: LndAuth::Path {
                    tls_cert_path: credential(&self.tls_cert_path()),
                    macaroon_path: credential(&self.macaroon_path()),
                },
                amp_invoice: false,
                private_hints: false,
            }),
        }
    }

    /// Fails in one way from now on, or no more; a node that had stopped starts again, on its port.
    ///
    /// # Errors
    /// When its port is taken meanwhile.
    pub async fn set_fault(&self, fault: Option<Fault>) -> io::Result<()> {
        self.state.fault.lock().clone_from(&fault);
        match fault {
            Some(Fault::Freeze) => self.state.gate.freeze(),
            _ => self.state.gate.thaw(),
        }
        match fault {
            Some(Fault::Refuse) => self.close(Stop::Drain).await,
            Some(Fault::Die) => self.close(Stop::Abort).await,
            _ => return self.open().await,
        }
        Ok(())
    }

    /// Stops as a killed process does; [`Self::restart`] brings it back.
    pub async fn stop(&self) {
        self.close(Stop::Abort).await;
    }

    /// Listens again on the same port, with the same key and files.
    ///
    /// # Errors
    /// When its port is taken meanwhile.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        self.set_fault(None).await
    }

    /// Shows `certificate` to who connects from now on. Its `tls.cert` stays as it is.
    pub fn present(&self, certificate: SimCertificate) {
        *self.state.certificate.lock() = certificate;
    }

    /// Takes a new certificate, and writes it to its `tls.cert`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rotate_certificate(&self) -> io::Result<()> {
        let certificate = SimCertificate::self_signed()?;
        fs::write(self.tls_cert_path(), certificate.pem())?;
        self.present(certificate);
        Ok(())
    }

    /// Accepts a new macaroon only, and writes it to its `admin.macaroon`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rotate_macaroon(&self) -> io::Result<()> {
        let macaroon: [u8; 32] = rand::random();
        write_secret(&self.macaroon_path(), &macaroon)?;
        *self.state.macaroon.lock() = Secret(hex::encode(macaroon));
        Ok(())
    }

    /// Can receive `inbound` from now on, to the satoshi.
    pub fn set_inbound(&self, inbound: Millisatoshi) {
        *self.state.inbound.lock() = inbound;
    }

    /// Calls received so far, those that failed included.
    pub fn calls(&self) -> u64 {
        Counters::read(&self.state.counters.calls)
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        Counters::read(&self.state.counters.connections)
    }

    /// Invoices made so far, wrong ones included.
    pub fn invoices_made(&self) -> u64 {
        Counters::read(&self.state.counters.invoices)
    }

    /// How often a fault was felt: a call that it answered, hung or slowed, a stop, or a read or
    /// write that it held up. A refused connection is the kernel's, and counts as its stop.
    pub fn faults_served(&self) -> u64 {
        Counters::read(&self.state.counters.faults) + self.state.gate.held()
    }

    /// The invoice of a payment hash, if it is among the newest 65,536.
    pub fn invoice(&self, payment_hash: &[u8; 32]) -> Option<SimInvoice> {
        self.state.invoices.lock().find(payment_hash)
    }

    async fn close(&self, how: Stop) {
        let open = self.listener.lock().take();
        if let Some(listener) = open {
            listener.stop(how).await;
            Counters::add(&self.state.counters.faults);
        }
    }

    async fn open(&self) -> io::Result<()> {
        if self.listener.lock().is_some() {
            return Ok(());
        }
        let listener = Listener::bind(self.address, Arc::clone(&self.state)).await?;
        *self.listener.lock() = Some(listener);
        Ok(())
    }
}

fn seeded_key(seed: u64) -> SecretKey {
    let hash = sha256::Hash::hash(&seed.to_be_bytes());
    SecretKey::from_slice(hash.as_byte_array()).unwrap_or_else(|_| random_key())
}

fn credential(path: &Path) -> CredentialPath {
    path.to_str()
        .and_then(|path| CredentialPath::try_new(path).ok())
        .expect("the node's directory has a path in UTF-8")
}

/// Readable by its owner only, as LND writes it.
fn write_secret(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(secret)
}
