use std::{fmt, net::IpAddr, time::Instant};

use chrono::{DateTime, Utc};
use http::{Method, Request, StatusCode, Uri, Version};
use tower_http::request_id::RequestId;
use tracing::Level;

use super::LoggedService;
use crate::{
    client::{Client, TrustedProxies},
    clock,
    escape::Escaped,
};

/// What logs call a request whose client did not wait for the answer; no client ever sees it.
const CLIENT_WENT: u16 = 499;

/// What is known of a request when it begins. It is written once: when the request ends, or is
/// dropped before.
#[derive(Debug)]
pub(super) struct Line {
    service: LoggedService,
    client: Option<IpAddr>,
    time: DateTime<Utc>,
    method: Method,
    uri: Uri,
    version: Version,
    id: Option<RequestId>,
    begun: Instant,
    is_written: bool,
}

impl Line {
    pub(super) fn begin<B>(
        service: LoggedService,
        proxies: &TrustedProxies,
        request: &Request<B>,
    ) -> Self {
        Self {
            service,
            client: client(proxies, request),
            time: clock::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            id: request.extensions().get().cloned(),
            begun: Instant::now(),
            is_written: false,
        }
    }

    pub(super) fn end(&mut self, status: StatusCode, size: Option<u64>) {
        self.write(status.as_u16(), size);
    }

    fn write(&mut self, status: u16, size: Option<u64>) {
        self.is_written = true;
        let ended = Ended {
            line: self,
            status,
            size,
        };
        match self.service {
            LoggedService::Lnurl => emit_lnurl(&ended),
            LoggedService::Discovery => emit_discovery(&ended),
            LoggedService::Offer => emit_offer(&ended),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_written {
            self.write(CLIENT_WENT, None);
        }
    }
}

/// Whom the request is from. The log stands outside of the layer that refuses what a proxy says amiss;
/// such a request is the proxy's own.
fn client<B>(proxies: &TrustedProxies, request: &Request<B>) -> Option<IpAddr> {
    let told = proxies.client(request.extensions(), request.headers());
    let address = told.ok().flatten().and_then(|client| client.address);
    address.or_else(|| Client::address_of(request.extensions()))
}

/// A request and how it ended.
struct Ended<'a> {
    line: &'a Line,
    status: u16,
    size: Option<u64>,
}

impl Ended<'_> {
    /// What was asked for, without a query that may hold a token: where no good one was in its header, and where
    /// a parameter has the name that RFC 6750 (2.3) gives it there.
    fn target(&self) -> &str {
        let uri = &self.line.uri;
        let has_token = uri
            .query()
            .is_some_and(|query| query.contains("access_token"));
        if has_token || self.status == StatusCode::UNAUTHORIZED.as_u16() {
            return uri.path();
        }
        uri.path_and_query().map_or("*", |path| path.as_str())
    }

    fn level(&self) -> Level {
        match self.status {
            ..400 => Level::INFO,
            400..500 => Level::WARN,
            500.. => Level::ERROR,
        }
    }
}

impl fmt::Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match line.client {
            Some(client) => write!(f, "{client}")?,
            None => f.write_str("-")?,
        }
        let target = self.target();
        write!(
            f,
            " - - [{time}] \"{method} {target} {version:?}\" {status} ",
            time = line.time.format("%d/%b/%Y:%H:%M:%S +0000"),
            method = Escaped(line.method.as_str()),
            target = Escaped(target),
            version = line.version,
            status = self.status,
        )?;
        match self.size {
            Some(size) => write!(f, "{size}")?,
            None => f.write_str("-")?,
        }
        write!(f, " {}us", line.begun.elapsed().as_micros())?;
        match &line.id {
            Some(id) => {
                let id = String::from_utf8_lossy(id.header_value().as_bytes());
                write!(f, " {}", Escaped(&id))
            }
            None => Ok(()),
        }
    }
}

/// A target is part of an event's static description, and so each service has a function of its own.
macro_rules! emitter {
    ($name:ident, $target:literal) => {
        fn $name(ended: &Ended<'_>) {
            match ended.level() {
                Level::ERROR => tracing::error!(target: $target, "{ended}"),
                Level::WARN => tracing::warn!(target: $target, "{ended}"),
                _ => tracing::info!(target: $target, "{ended}"),
            }
        }
    };
}

emitter!(emit_lnurl, "clf::lnurl");
emitter!(emit_discovery, "clf::discovery");
emitter!(emit_offer, "clf::offer");
