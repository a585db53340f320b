use std::{collections::HashSet, io, net::SocketAddr, path::Path, sync::Arc};

use parking_lot::Mutex;
use secp256k1::{PublicKey, Secp256k1, SecretKey};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Status,
    transport::{Server, server::TcpIncoming},
};

use crate::{
    Certificates,
    calls::Calls,
    channels::Channel,
    official::{InvoiceRequest, node_server::NodeServer},
};

/// A server of Core Lightning's official gRPC on loopback; dropping it closes it.
#[derive(Debug)]
pub struct OfficialCln {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl OfficialCln {
    /// Starts one with certificates of its own, and writes what a client needs into `directory`.
    ///
    /// # Errors
    /// When no port can be bound, or a file not be written.
    pub async fn start(directory: &Path) -> io::Result<Self> {
        let certificates = Certificates::generate()?;
        certificates.write_for_client(directory)?;
        let state = Arc::new(State::new());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = Server::builder()
            .tls_config(certificates.server())
            .map_err(io::Error::other)?
            .add_service(NodeServer::new(Calls(Arc::clone(&state))))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        Ok(Self {
            address,
            state,
            serving: tokio::spawn(async {
                // What a connection ends with is the client's to see.
                let _ = serving.await;
            }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its identity.
    pub fn public_key(&self) -> PublicKey {
        self.state.key.public_key(&Secp256k1::signing_only())
    }

    /// What was asked for, in order; refused requests too.
    pub fn requests(&self) -> Vec<InvoiceRequest> {
        self.state.requests.lock().clone()
    }

    /// Gives it these channels in place of those it had.
    pub fn set_channels(&self, channels: impl IntoIterator<Item = Channel>) {
        *self.state.channels.lock() = channels.into_iter().collect();
    }

    /// Answers each call with `status` from now on, or with what is right.
    pub fn set_refusal(&self, status: Option<Status>) {
        *self.state.refusal.lock() = status;
    }

    /// Which of the two warnings are there: of its Bitcoin node's blocks, and of its own.
    pub fn set_behind(&self, bitcoind: bool, lightningd: bool) {
        *self.state.behind.lock() = (bitcoind, lightningd);
    }
}

impl Drop for OfficialCln {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the calls share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) key: SecretKey,
    pub(crate) channels: Mutex<Vec<Channel>>,
    pub(crate) refusal: Mutex<Option<Status>>,
    pub(crate) behind: Mutex<(bool, bool)>,
    pub(crate) labels: Mutex<HashSet<String>>,
    pub(crate) requests: Mutex<Vec<InvoiceRequest>>,
}

impl State {
    fn new() -> Self {
        Self {
            key: key(),
            channels: Mutex::default(),
            refusal: Mutex::default(),
            behind: Mutex::default(),
            labels: Mutex::default(),
            requests: Mutex::default(),
        }
    }
}

/// A key by chance.
fn key() -> SecretKey {
    loop {
        // All but one in 2^128 numbers are keys.
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            return key;
        }
    }
}
