use switchgear_core::ErrorChain;
use switchgear_http::serve::{Limits, ServeConfig, ServeError, Server, TlsPaths};

use crate::{
    Failure,
    config::{Config, ConfigError, LimitsSection, Listener, ServiceKind},
};

/// The bound listeners of the services to start.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) lnurl: Option<Server>,
    pub(super) discovery: Option<Server>,
    pub(super) offer: Option<Server>,
}

impl Listeners {
    pub(super) async fn bind(config: &Config) -> Result<Self, Failure> {
        let wanted = |kind, listener| {
            config
                .services
                .contains(&kind)
                .then_some(listener)
                .flatten()
        };
        let lnurl = config.lnurl.as_ref().map(|section| &section.listener);
        let discovery = config.discovery.as_ref().map(|section| &section.listener);
        let offer = config.offer.as_ref().map(|section| &section.listener);
        Ok(Self {
            lnurl: bind(ServiceKind::Lnurl, wanted(ServiceKind::Lnurl, lnurl)).await?,
            discovery: bind(
                ServiceKind::Discovery,
                wanted(ServiceKind::Discovery, discovery),
            )
            .await?,
            offer: bind(ServiceKind::Offer, wanted(ServiceKind::Offer, offer)).await?,
        })
    }
}

async fn bind(kind: ServiceKind, listener: Option<&Listener>) -> Result<Option<Server>, Failure> {
    let Some(listener) = listener else {
        return Ok(None);
    };
    let mut config = ServeConfig::new(listener.address);
    config.tls = listener.tls.as_ref().map(|tls| TlsPaths {
        cert: tls.cert_path.clone(),
        key: tls.key_path.clone(),
    });
    config.limits = limits(&listener.limits);
    config.reuse_port = listener.reuse_port;
    let server = Server::bind(config)
        .await
        .map_err(|error| refuse(kind, &error))?;
    Ok(Some(server))
}

fn limits(section: &LimitsSection) -> Limits {
    Limits {
        connections: section.connections,
        header_timeout: section.header_timeout,
        idle_timeout: section.idle_timeout,
        request_timeout: section.request_timeout,
        write_timeout: section.write_timeout,
        header_bytes: section.header_bytes,
        headers: section.headers,
        h2_streams: section.h2_streams,
    }
}

/// An address that is taken may be free in a moment; files that do not serve are a mistake.
fn refuse(kind: ServiceKind, error: &ServeError) -> Failure {
    let message = ErrorChain(error).to_string();
    match error {
        ServeError::Bind { .. } => Failure::message(format!(
            "the {} service cannot start: {message}",
            kind.name()
        )),
        _ => Failure::Config(ConfigError::Unusable {
            key: format!("{}.tls", kind.key()),
            message,
        }),
    }
}
