use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use switchgear_core::{
    Millisatoshi, Partition,
    backend::{
        Backend, BackendAddress, BackendName, ClnGrpc, Domain, Implementation, LndGrpc, NodeUrl,
        Partitions, PublicKey, Weight,
    },
};

use super::{
    Fault, FaultKind, SimCertificate, SimCounters, SimInvoice, SimNodeConfig, SimNodeKind,
    credentials::Credentials, shown::Shown, state::State, wire::Port,
};

/// A simulated node. Dropping it kills it; its files stay.
#[derive(Debug)]
pub struct SimNode {
    state: Arc<State>,
    port: Port,
    /// One change of fault at a time.
    changing: tokio::sync::Mutex<()>,
}

impl SimNode {
    /// Writes the node's files and listens.
    ///
    /// # Errors
    /// When a file cannot be written, or the address is taken.
    pub async fn start(config: SimNodeConfig) -> io::Result<Self> {
        let address = config.address;
        let late = config.late_credentials;
        let state = Arc::new(State::try_new(config)?);
        let node = Self {
            port: Port::bind(address, &state).await?,
            state,
            changing: tokio::sync::Mutex::default(),
        };
        if !late {
            node.write_credentials()?;
        }
        Ok(node)
    }

    /// What it speaks.
    pub fn kind(&self) -> SimNodeKind {
        self.state.kind
    }

    /// Where it listens, or listened last.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its gRPC address.
    pub fn url(&self) -> String {
        format!("https://{}", self.address())
    }

    /// Its certificate, in its directory: LND's `tls.cert`, Core Lightning's `server.pem`.
    pub fn tls_cert_path(&self) -> PathBuf {
        self.state.credentials.lock().tls_cert_path()
    }

    /// LND's macaroon, in its directory; Core Lightning has none.
    pub fn macaroon_path(&self) -> PathBuf {
        self.state.credentials.lock().macaroon_path()
    }

    /// The files that a client of it reads.
    pub fn credential_paths(&self) -> Vec<PathBuf> {
        self.state.credentials.lock().paths()
    }

    /// The key that signs its invoices.
    pub fn public_key(&self) -> PublicKey {
        self.state.public_key
    }

    /// How it is registered with discovery: enabled, with weight 1, known by its public key.
    ///
    /// # Panics
    /// Without a partition, or when the directory's path is not UTF-8.
    pub fn backend(&self, partitions: impl IntoIterator<Item = Partition>) -> Backend {
        Backend {
            address: BackendAddress::PublicKey(self.state.public_key),
            name: BackendName::try_new(&self.state.alias).ok(),
            partitions: Partitions::try_new(partitions).expect("at least one partition is given"),
            weight: Weight::ONE,
            enabled: true,
            implementation: self.implementation(),
        }
    }

    fn implementation(&self) -> Implementation {
        let url = NodeUrl::try_new(&self.url()).expect("a socket address makes a URL");
        let credentials = self.state.credentials.lock();
        match self.state.kind {
            SimNodeKind::Lnd => Implementation::LndGrpc(LndGrpc {
                url,
                domain: None,
                auth: credentials.lnd_auth(),
                amp_invoice: false,
                private_hints: false,
            }),
            SimNodeKind::Cln => Implementation::ClnGrpc(ClnGrpc {
                url,
                // Core Lightning's certificates name no addresses.
                domain: Domain::try_new("localhost").ok(),
                auth: credentials.cln_auth(),
                private_hints: false,
            }),
        }
    }

    /// Fails in one way from now on, or no more; a node that had stopped starts again, on its port.
    ///
    /// # Errors
    /// When its port is taken meanwhile, its certificate's file cannot be written, or one call in
    /// so many is to meet a fault that concerns the whole node. It fails as before then.
    pub async fn set_fault(&self, fault: Option<Fault>) -> io::Result<()> {
        if let Some(Fault::OneIn(_, inner)) = &fault
            && !inner.kind().is_of_calls()
        {
            let message = format!("{} concerns the whole node", inner.kind());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let _alone = self.changing.lock().await;
        let before = self.state.fault.load_full();
        let was = before.as_deref().map(Fault::kind);
        let kind = fault.as_ref().map(Fault::kind);
        self.take_up(fault.map(Arc::new))?;
        let settled = match kind {
            Some(FaultKind::Refuse) => {
                self.refuse().await;
                Ok(())
            }
            Some(FaultKind::Die) => {
                self.die().await;
                Ok(())
            }
            _ => self.settle(was, kind).await,
        };
        if settled.is_err() {
            // That it fails as well is no news.
            let _ = self.take_up(before);
            if matches!(was, Some(FaultKind::Refuse | FaultKind::Die)) {
                self.port.drain().await;
            }
        }
        settled
    }

    /// How it fails now, if it does.
    pub fn fault(&self) -> Option<Fault> {
        self.state.fault.load().as_deref().cloned()
    }

    /// Stops as a killed process does; [`Self::restart`] brings it back.
    pub async fn stop(&self) {
        self.die().await;
    }

    /// Listens again on the same port, with the same key and files, and without a fault.
    ///
    /// # Errors
    /// When its port is taken meanwhile.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        self.set_fault(None).await
    }

    /// Writes its credentials into its directory as they are now, an expired certificate as the
    /// expired one; for a node with
    /// [late credentials](SimNodeConfig::with_late_credentials), or when files are gone.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_credentials(&self) -> io::Result<()> {
        self.state.credentials.lock().write()
    }

    /// Shows `certificate` to who connects from now on. Its file stays as it is.
    ///
    /// It ends [`Fault::ExpiredCertificate`], whose certificate leaves the file, and
    /// [`Fault::SwappedCertificate`].
    pub fn present(&self, certificate: SimCertificate) {
        let mut credentials = self.state.credentials.lock();
        credentials.present(certificate);
        self.show_own(&credentials);
    }

    /// Takes a new certificate for who connects from now on, and writes it; Core Lightning takes a
    /// new authority, and a new certificate for its clients too. It ends
    /// [`Fault::ExpiredCertificate`] and [`Fault::SwappedCertificate`].
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn rotate_certificate(&self) -> io::Result<()> {
        let mut credentials = self.state.credentials.lock();
        credentials.rotate_certificate()?;
        self.show_own(&credentials);
        Ok(())
    }

    /// Accepts a new macaroon only, and writes it to its `admin.macaroon`.
    ///
    /// # Errors
    /// When the file cannot be written, or the node is no LND.
    pub fn rotate_macaroon(&self) -> io::Result<()> {
        self.state.credentials.lock().rotate_macaroon()
    }

    /// Can receive `inbound` from now on; LND counts in whole satoshis.
    pub fn set_inbound(&self, inbound: Millisatoshi) {
        *self.state.inbound.lock() = inbound;
    }

    /// Takes `latency` for each answer from now on; what comes on top by chance stays.
    pub fn set_latency(&self, latency: Duration) {
        self.state.latency.lock().usual = latency;
    }

    /// What has happened so far, by kind of fault.
    pub fn counters(&self) -> SimCounters {
        self.state.counters.snapshot()
    }

    /// Calls received so far, those that failed included.
    pub fn calls(&self) -> u64 {
        self.counters().calls
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.counters().connections
    }

    /// Invoices made so far, wrong ones included.
    pub fn invoices_made(&self) -> u64 {
        self.counters().invoices
    }

    /// How often a fault was felt, of whatever kind; [`SimCounters::of`] says what counts.
    pub fn faults_served(&self) -> u64 {
        self.counters().faults()
    }

    /// The invoice of a payment hash, if it is among the newest 65,536.
    pub fn invoice(&self, payment_hash: &[u8; 32]) -> Option<SimInvoice> {
        self.state.invoices.lock().find(payment_hash)
    }

    /// Meets calls and handshakes with `fault`; the port is as before. An error changes nothing.
    fn take_up(&self, fault: Option<Arc<Fault>>) -> io::Result<()> {
        let kind = fault.as_deref().map(Fault::kind);
        let mut credentials = self.state.credentials.lock();
        let shown = credentials.shown_in(kind)?;
        self.state.fault.store(fault);
        self.state.shown.store(Arc::new(shown));
        match kind {
            Some(cause @ (FaultKind::Freeze | FaultKind::BlackHole)) => {
                self.state.gate.freeze(cause);
            }
            _ => self.state.gate.thaw(),
        }
        Ok(())
    }

    async fn refuse(&self) {
        if self.port.drain().await {
            self.state.counters.served(FaultKind::Refuse);
        }
    }

    async fn die(&self) {
        if self.port.abort().await {
            self.state.counters.served(FaultKind::Die);
        }
    }

    /// Opens where it was closed, and does to the port what a change of fault needs.
    async fn settle(&self, before: Option<FaultKind>, now: Option<FaultKind>) -> io::Result<()> {
        self.port.open(&self.state).await?;
        let breaks = [before, now]
            .into_iter()
            .flatten()
            .any(FaultKind::is_of_connections);
        if breaks {
            self.port.break_connections().await?;
        }
        if now == Some(FaultKind::BlackHole) {
            self.port.plug().await?;
            self.state.counters.served(FaultKind::BlackHole);
        } else if before == Some(FaultKind::BlackHole) {
            self.port.unplug().await?;
        }
        Ok(())
    }

    /// Shows the own certificate, and ends a fault that had another in its place; a node that
    /// refuses all handshakes goes on with it.
    fn show_own(&self, credentials: &Credentials) {
        match self.state.fault_kind() {
            Some(FaultKind::TlsAlert) => return,
            Some(FaultKind::ExpiredCertificate | FaultKind::SwappedCertificate) => {
                self.state.fault.store(None);
            }
            _ => {}
        }
        let shown = Shown::own(credentials.server());
        self.state.shown.store(Arc::new(shown));
    }
}
