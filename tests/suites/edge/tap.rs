use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::JoinSet,
};

/// A way to a server in plain HTTP, on which all that goes to the server is seen.
pub(crate) struct Tap {
    address: SocketAddr,
    passed: Arc<Mutex<Vec<Vec<u8>>>>,
    _connections: JoinSet<()>,
}

impl Tap {
    pub(crate) async fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let passed: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, server, Arc::clone(&passed)));
        Ok(Self {
            address,
            passed,
            _connections: connections,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether a client has sent this text on a connection.
    pub(crate) fn has_passed(&self, text: &str) -> bool {
        let passed = self.passed.lock();
        let is_it = |part: &[u8]| part == text.as_bytes();
        passed
            .iter()
            .any(|sent| sent.windows(text.len()).any(is_it))
    }
}

/// Until it is dropped, and with it all connections.
async fn accept(listener: TcpListener, server: SocketAddr, passed: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let index = {
            let mut passed = passed.lock();
            passed.push(Vec::new());
            passed.len() - 1
        };
        let passed = Arc::clone(&passed);
        connections.spawn(async move {
            // Who hangs up on either side is hung up on at the other.
            let _ = forward(client, server, &passed, index).await;
        });
    }
}

async fn forward(
    client: TcpStream,
    server: SocketAddr,
    passed: &Mutex<Vec<Vec<u8>>>,
    index: usize,
) -> anyhow::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_server, to_server) = server.into_split();
    let (from_client, mut to_client) = client.into_split();
    tokio::select! {
        result = watched(from_client, to_server, passed, index) => result,
        result = copy(&mut from_server, &mut to_client) => Ok(result.map(drop)?),
    }
}

async fn watched(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passed: &Mutex<Vec<Vec<u8>>>,
    index: usize,
) -> anyhow::Result<()> {
    let mut part = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut part).await?;
        if length == 0 {
            return Ok(());
        }
        if let Some(sent) = passed.lock().get_mut(index) {
            sent.extend_from_slice(&part[..length]);
        }
        to.write_all(&part[..length]).await?;
    }
}
