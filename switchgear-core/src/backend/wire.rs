use serde::Deserialize;

use super::{ClnAuth, ClnGrpc, CredentialPath, Domain, Implementation, LndAuth, LndGrpc, NodeUrl};
use crate::invalid::InvalidValue;

/// An implementation as it stands on the wire, where fields of one kind may still stand in another.
///
/// One flat record, because a tagged enum is read twice, and whoever made a mistake in it is not told
/// in which field.
#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    rename = "Implementation"
)]
pub(super) struct ImplementationWire {
    r#type: Kind,
    url: NodeUrl,
    domain: Option<Domain>,
    auth: AuthWire,
    amp_invoice: Option<bool>,
    private_hints: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    ClnGrpc,
    LndGrpc,
}

/// Credentials of either kind of node.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, rename = "Auth")]
struct AuthWire {
    #[serde(rename = "type")]
    _type: AuthKind,
    ca_cert_path: Option<CredentialPath>,
    client_cert_path: Option<CredentialPath>,
    client_key_path: Option<CredentialPath>,
    tls_cert_path: Option<CredentialPath>,
    macaroon_path: Option<CredentialPath>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum AuthKind {
    Path,
}

impl TryFrom<ImplementationWire> for Implementation {
    type Error = InvalidValue;

    fn try_from(wire: ImplementationWire) -> Result<Self, Self::Error> {
        match wire.r#type {
            Kind::ClnGrpc => cln(wire).map(Self::ClnGrpc),
            Kind::LndGrpc => lnd(wire).map(Self::LndGrpc),
        }
    }
}

fn cln(wire: ImplementationWire) -> Result<ClnGrpc, InvalidValue> {
    let auth = wire.auth;
    foreign("ampInvoice", wire.amp_invoice.is_some())?;
    foreign("auth.tlsCertPath", auth.tls_cert_path.is_some())?;
    foreign("auth.macaroonPath", auth.macaroon_path.is_some())?;
    Ok(ClnGrpc {
        url: wire.url,
        domain: wire.domain,
        auth: ClnAuth::Path {
            ca_cert_path: needed("auth.caCertPath", auth.ca_cert_path)?,
            client_cert_path: needed("auth.clientCertPath", auth.client_cert_path)?,
            client_key_path: needed("auth.clientKeyPath", auth.client_key_path)?,
        },
        private_hints: wire.private_hints.unwrap_or_default(),
    })
}

fn lnd(wire: ImplementationWire) -> Result<LndGrpc, InvalidValue> {
    let auth = wire.auth;
    foreign("auth.caCertPath", auth.ca_cert_path.is_some())?;
    foreign("auth.clientCertPath", auth.client_cert_path.is_some())?;
    foreign("auth.clientKeyPath", auth.client_key_path.is_some())?;
    Ok(LndGrpc {
        url: wire.url,
        domain: wire.domain,
        auth: LndAuth::Path {
            tls_cert_path: needed("auth.tlsCertPath", auth.tls_cert_path)?,
            macaroon_path: needed("auth.macaroonPath", auth.macaroon_path)?,
        },
        amp_invoice: needed("ampInvoice", wire.amp_invoice)?,
        private_hints: wire.private_hints.unwrap_or_default(),
    })
}

fn needed<T>(field: &str, value: Option<T>) -> Result<T, InvalidValue> {
    value.ok_or_else(|| refusal(format!("missing field `{field}`")))
}

fn foreign(field: &str, is_there: bool) -> Result<(), InvalidValue> {
    if is_there {
        return Err(refusal(format!(
            "field `{field}` is of another type of node"
        )));
    }
    Ok(())
}

fn refusal(reason: String) -> InvalidValue {
    InvalidValue::new("implementation", reason)
}
