use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Answer, Stream, Wire};

/// Where a server listens, and how it is reached: plainly, or by TLS.
#[derive(Debug, Clone)]
pub struct Door {
    address: SocketAddr,
    roots: Option<Arc<RootCertStore>>,
}

impl Door {
    /// A server without TLS.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            roots: None,
        }
    }

    /// A server whose certificate names its address, and leads to a root in the PEM file `roots`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn tls(address: SocketAddr, roots: &Path) -> anyhow::Result<Self> {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(roots).context("the roots cannot be read")? {
            store.add(root?)?;
        }
        Ok(Self {
            address,
            roots: Some(Arc::new(store)),
        })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is reached by TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.roots.is_some()
    }

    /// Opens a connection for bytes of HTTP/1.1.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn open(&self) -> anyhow::Result<Wire> {
        self.connect(b"http/1.1").await.map(Wire::new)
    }

    /// Opens a connection; by TLS, it must agree on the protocol `alpn`.
    ///
    /// # Errors
    ///
    /// When it is refused, or another protocol is chosen.
    pub async fn connect(&self, alpn: &[u8]) -> anyhow::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect(self.address).await?;
        self.connect_over(tcp, alpn).await
    }

    /// As [`Self::connect`], over a socket that is connected already.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub async fn connect_over(
        &self,
        tcp: TcpStream,
        alpn: &[u8],
    ) -> anyhow::Result<Box<dyn Stream>> {
        tcp.set_nodelay(true)?;
        match &self.roots {
            Some(roots) => Ok(Box::new(self.shake_hands(tcp, roots, alpn).await?)),
            None => Ok(Box::new(tcp)),
        }
    }

    /// The certificate, in DER, that who connects now is shown.
    ///
    /// # Errors
    ///
    /// When it is not trusted, or there is no TLS.
    pub async fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        let roots = self.roots.as_ref().context("there is no TLS")?;
        let tcp = TcpStream::connect(self.address).await?;
        let stream = self.shake_hands(tcp, roots, b"http/1.1").await?;
        let shown = stream.get_ref().1.peer_certificates();
        let leaf = shown.and_then(<[_]>::first).context("no certificate")?;
        Ok(leaf.to_vec())
    }

    async fn shake_hands(
        &self,
        tcp: TcpStream,
        roots: &Arc<RootCertStore>,
        alpn: &[u8],
    ) -> anyhow::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(roots))
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::IpAddress(self.address.ip().into());
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, tcp).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        anyhow::ensure!(agreed == Some(alpn), "agreed on {agreed:?}");
        Ok(stream)
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Errors
    ///
    /// As [`Wire::ask`].
    pub async fn ask(&self, request: impl AsRef<[u8]>) -> anyhow::Result<Answer> {
        self.open().await?.ask(request).await
    }

    /// The answer to GET, with the server's own address as the host.
    ///
    /// # Errors
    ///
    /// As [`Wire::ask`].
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(self.request("GET", path, "")).await
    }

    /// A request without a body to the server's own address, with more header lines, each ended by CRLF.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, headers: &str) -> String {
        let host = self.address;
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
    }
}
