use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// What tokio listens with.
const USUAL_LENGTH: i32 = 1_024;

/// A kernel that keeps its word takes one; where more than this fit, it does not.
const MOST_PLUGS: usize = 64;

/// The kernel takes a loopback connection within a fraction of this, or not at all.
const PATIENCE: Duration = Duration::from_millis(100);

/// The queue in which the kernel keeps connections until they are accepted.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    plugged: bool,
    plugs: Vec<TcpStream>,
    pulled: Vec<SocketAddr>,
}

impl Backlog {
    pub(super) fn is_plugged(&self) -> bool {
        self.plugged
    }

    /// Makes the queue as short as the kernel lets it be, and fills it with connections of our own,
    /// so that it drops whoever else knocks.
    pub(super) async fn plug(&mut self, listener: &TcpListener) -> io::Result<()> {
        if self.plugged {
            return Ok(());
        }
        self.plugged = true;
        let filled = self.fill(listener).await;
        if filled.is_err() {
            self.unplug(listener)?;
        }
        filled
    }

    async fn fill(&mut self, listener: &TcpListener) -> io::Result<()> {
        SockRef::from(listener).listen(0)?;
        let address = reachable(listener.local_addr()?);
        for _ in 0..MOST_PLUGS {
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(plug) => self.plugs.push(plug?),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Takes connections again.
    pub(super) fn unplug(&mut self, listener: &TcpListener) -> io::Result<()> {
        self.plugged = false;
        let addresses = self.plugs.drain(..).map(|plug| plug.local_addr());
        self.pulled = addresses.collect::<Result<_, _>>()?;
        SockRef::from(listener).listen(USUAL_LENGTH)
    }

    /// Whether an accepted connection is one of our own that stood in the way.
    pub(super) fn was_plug(&mut self, peer: SocketAddr) -> bool {
        let place = self.pulled.iter().position(|plug| *plug == peer);
        place.map(|place| self.pulled.swap_remove(place)).is_some()
    }
}

/// A listener on all addresses is reached over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
