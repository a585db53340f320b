use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::wire::ImplementationWire;
use crate::invalid::{InvalidValue, refuse_nul, text_newtype};

/// How a node is reached and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    try_from = "ImplementationWire"
)]
#[non_exhaustive]
pub enum Implementation {
    /// Core Lightning through its gRPC plugin.
    ClnGrpc(ClnGrpc),
    /// LND through its gRPC interface.
    LndGrpc(LndGrpc),
}

impl Implementation {
    /// Where the node listens.
    pub fn url(&self) -> &NodeUrl {
        match self {
            Self::ClnGrpc(cln) => &cln.url,
            Self::LndGrpc(lnd) => &lnd.url,
        }
    }
}

/// Core Lightning: its gRPC address and mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClnGrpc {
    /// Where the node listens.
    pub url: NodeUrl,
    /// The name to check in the node's certificate, where it is not the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// The credentials.
    pub auth: ClnAuth,
    /// Whether invoices carry route hints for private channels.
    pub private_hints: bool,
}

/// LND: its gRPC address, certificate and macaroon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LndGrpc {
    /// Where the node listens.
    pub url: NodeUrl,
    /// The name to check in the node's certificate, where it is not the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// The credentials.
    pub auth: LndAuth,
    /// Whether invoices are AMP invoices.
    pub amp_invoice: bool,
    /// Whether invoices carry route hints for private channels.
    pub private_hints: bool,
}

/// Core Lightning's credentials: files that are read when the node is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum ClnAuth {
    /// PEM files on this machine.
    Path {
        /// The authority that signed the node's certificate.
        ca_cert_path: CredentialPath,
        /// This client's certificate.
        client_cert_path: CredentialPath,
        /// This client's private key.
        client_key_path: CredentialPath,
    },
}

/// LND's credentials: files that are read when the node is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum LndAuth {
    /// Files on this machine.
    Path {
        /// The node's `tls.cert`, or the root that signed it.
        tls_cert_path: CredentialPath,
        /// A macaroon that may at least add invoices and read information.
        macaroon_path: CredentialPath,
    },
}

/// A node's gRPC address: an `https` URL with a host. Nodes speak gRPC over TLS only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct NodeUrl(Url);

impl NodeUrl {
    /// Checks the address.
    ///
    /// # Errors
    /// When it is not an absolute `https` URL, or carries credentials.
    pub fn try_new(text: &str) -> Result<Self, InvalidValue> {
        let url = Url::parse(text)
            .map_err(|error| InvalidValue::new("url", format!("is not a URL: {error}")))?;
        if url.scheme() != "https" {
            return Err(InvalidValue::new("url", "must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidValue::new("url", "must not carry credentials"));
        }
        Ok(Self(url))
    }

    /// The URL itself.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl<'de> Deserialize<'de> for NodeUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::try_new(&text).map_err(serde::de::Error::custom)
    }
}

/// A name in a certificate: a DNS name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domain(String);

impl Domain {
    /// Checks the name.
    ///
    /// # Errors
    /// When it is neither a DNS name nor an IP address.
    pub fn try_new(name: &str) -> Result<Self, InvalidValue> {
        Host::parse(name)
            .map(|host| Self(host.to_string()))
            .map_err(|error| InvalidValue::new("domain", format!("is not a host name: {error}")))
    }
}

text_newtype!(Domain);

/// A path to a credential file, not empty and without U+0000. Nobody checks it until the node is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialPath(String);

impl CredentialPath {
    /// Checks the path's form, not the file.
    ///
    /// # Errors
    /// When it is empty or holds U+0000.
    pub fn try_new(path: &str) -> Result<Self, InvalidValue> {
        refuse_nul("auth", path)?;
        if path.is_empty() {
            return Err(InvalidValue::new("auth", "a path must not be empty"));
        }
        Ok(Self(path.to_owned()))
    }
}

text_newtype!(CredentialPath);
