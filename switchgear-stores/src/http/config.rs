use std::{fmt, path::PathBuf, time::Duration};

use url::Url;

/// Where a remote discovery or offer service is, and how it is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpStoreConfig {
    /// The service's own root, `https://discovery.example.com` or `http://10.0.0.7:3001/switchgear`;
    /// the paths of the service go behind its path. It carries no credentials, query or fragment.
    pub base_url: Url,
    /// How long a TCP connection may take to stand; the TLS handshake counts for the total.
    pub connect_timeout: Duration,
    /// How long a request may take in all, its answer read to the end.
    pub total_timeout: Duration,
    /// PEM bundles of the authorities to trust instead of the system's own. Read anew when one of
    /// them changes.
    pub trusted_roots: Vec<PathBuf>,
    /// The file of the bearer token; white space around the token does not count. Read anew when it
    /// changes.
    pub authorization: PathBuf,
}

impl HttpStoreConfig {
    /// 2 s, unless configured otherwise.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

    /// 5 s, unless configured otherwise.
    pub const DEFAULT_TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

    /// The service at `base_url`, asked with the token in the file `authorization`; the rest by
    /// default: the system's roots and the default timeouts.
    pub fn new(base_url: Url, authorization: impl Into<PathBuf>) -> Self {
        Self {
            base_url,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            total_timeout: Self::DEFAULT_TOTAL_TIMEOUT,
            trusted_roots: Vec::new(),
            authorization: authorization.into(),
        }
    }
}

/// Of the base URL only what may be in it: credentials or a query would be a mistake, and a secret.
impl fmt::Debug for HttpStoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.base_url.origin().ascii_serialization();
        f.debug_struct("HttpStoreConfig")
            .field(
                "base_url",
                &format_args!("{origin}{}", self.base_url.path()),
            )
            .field("connect_timeout", &self.connect_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("trusted_roots", &self.trusted_roots)
            .field("authorization", &self.authorization)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_credentials() {
        let url = "https://me:hunter2@example.com:8443/x?token=hunter2";
        let config = HttpStoreConfig::new(url.parse().unwrap(), "/token");
        let shown = format!("{config:?}");
        assert!(shown.contains("https://example.com:8443/x,"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
