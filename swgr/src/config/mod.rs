//! The configuration file: YAML that becomes a checked [`Config`], or all of its mistakes at once.
//!
//! ```text
//!  text ─▶ tree (positions) ─▶ expand (variables) ─▶ reader and scalar (typed leaves) ─▶ Config
//!                └───────────────────┴─────────────────────┴──▶ report: every mistake, in file order
//! ```
//!
//! The environment is an argument, so that all of it can be tested without one.

mod admin;
mod balance;
mod expand;
mod files;
mod limits;
mod listener;
mod lnurl;
mod reader;
mod report;
mod scalar;
mod selection;
mod store;
mod tree;

use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

pub(crate) use self::scalar::service_url;
pub use self::{
    admin::{DiscoverySection, OfferSection},
    balance::BalanceSection,
    expand::Env,
    limits::LimitsSection,
    listener::{Listener, TlsFiles},
    lnurl::{LnurlSection, QrSection},
    report::{ConfigError, Position, Problem, lines},
    selection::Selection,
    store::{DatabaseSection, Engine, HttpSection, StoreSection, Stores},
};
use self::{reader::Section, report::Sink};

/// One of the three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// The public LNURL service.
    Lnurl,
    /// The discovery service, for administrators.
    Discovery,
    /// The offer service, for administrators.
    Offer,
}

impl ServiceKind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Lnurl, Self::Discovery, Self::Offer];

    /// Its name on the command line and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lnurl => "lnurl",
            Self::Discovery => "discovery",
            Self::Offer => "offer",
        }
    }

    /// The key of its section in the configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::Lnurl => "lnurl-service",
            Self::Discovery => "discovery-service",
            Self::Offer => "offer-service",
        }
    }
}

/// Which services a configuration must suffice for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These, which are about to be started.
    Services(BTreeSet<ServiceKind>),
    /// Those that the file has a section for.
    Present,
    /// No service: only what `store` says, where each part is needed that is there.
    Stores,
}

/// A checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `lnurl-service`, where there is such a section.
    pub lnurl: Option<LnurlSection>,
    /// `discovery-service`, where there is such a section.
    pub discovery: Option<DiscoverySection>,
    /// `offer-service`, where there is such a section.
    pub offer: Option<OfferSection>,
    /// `store`.
    pub stores: Stores,
    /// `shutdown-timeout-secs`, by default 30: how long requests in flight may take to finish.
    pub shutdown_timeout: Duration,
    /// The services that were asked for.
    pub services: BTreeSet<ServiceKind>,
    /// What is worth a word, and stops nothing.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads and checks the file at `path` (`-` is standard input), and looks at the files that it names.
    ///
    /// # Errors
    /// When the file cannot be read, is not YAML, or holds mistakes: then all of them.
    pub fn load(path: &Path, scope: &Scope, env: Env<'_>) -> Result<Self, ConfigError> {
        let text = match path == Path::new("-") {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(path),
        };
        let text = text.map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::read(path, &text, scope, env, &files::check)
    }

    /// Checks `text` as if it stood in a file at `path`. Files that it names are not looked at.
    ///
    /// # Errors
    /// When it is not YAML, or holds mistakes: then all of them.
    pub fn parse(
        path: &Path,
        text: &str,
        scope: &Scope,
        env: Env<'_>,
    ) -> Result<Self, ConfigError> {
        Self::read(path, text, scope, env, &|_, _| {})
    }

    fn read(
        path: &Path,
        text: &str,
        scope: &Scope,
        env: Env<'_>,
        check_files: &dyn Fn(&[files::NamedFile], &Sink),
    ) -> Result<Self, ConfigError> {
        let sink = Sink::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut root = tree::parse(text, &sink).map_err(|error| ConfigError::NotYaml {
            path: path.to_owned(),
            at: tree::position(error.marker()),
            message: error.info().to_owned(),
        })?;
        expand::expand(&mut root, "", env, &sink);
        let (mut config, files) = read_root(Section::open(&root, root.at, "", &sink), scope);
        check_files(&files, &sink);
        let (problems, warnings) = sink.into_problems();
        if !problems.is_empty() {
            let path = path.to_owned();
            return Err(ConfigError::Invalid { path, problems });
        }
        config.warnings = warnings;
        Ok(config)
    }
}

/// Reads all sections; gives the files that the services asked for will open.
fn read_root(mut root: Section<'_>, scope: &Scope) -> (Config, Vec<files::NamedFile>) {
    let services = services(&mut root, scope);
    let sink = root.sink();
    let mut files = Vec::new();
    let mut keep = |needed: bool| {
        let named = sink.take_files();
        files.extend(named.into_iter().filter(|_| needed));
    };
    let lnurl = root.child(ServiceKind::Lnurl.key()).map(lnurl::read);
    keep(services.contains(&ServiceKind::Lnurl));
    let discovery = root.child(ServiceKind::Discovery.key());
    let discovery = discovery.map(admin::read_discovery);
    keep(services.contains(&ServiceKind::Discovery));
    let offer = root.child(ServiceKind::Offer.key()).map(admin::read_offer);
    keep(services.contains(&ServiceKind::Offer));
    let stores = read_stores(&mut root, scope, &services, &mut keep);
    let shutdown_timeout = root.leaf("shutdown-timeout-secs", scalar::seconds_or_none);
    if root.leaf(
        "log-format",
        scalar::word(&[("text", false), ("json", true)]),
    ) == Some(true)
    {
        root.unsupported("log-format", "`json`", "use text");
    }
    let config = Config {
        lnurl,
        discovery,
        offer,
        stores,
        shutdown_timeout: shutdown_timeout.unwrap_or(Duration::from_secs(30)),
        services,
        warnings: Vec::new(),
    };
    check_addresses(&config, sink);
    root.finish();
    (config, files)
}

/// The services asked for; one without its section is an error.
fn services(root: &mut Section<'_>, scope: &Scope) -> BTreeSet<ServiceKind> {
    let present = |root: &mut Section<'_>, kind: &ServiceKind| root.raw(kind.key()).is_some();
    match scope {
        Scope::Present => {
            let kinds = ServiceKind::ALL.into_iter();
            let services: BTreeSet<_> = kinds.filter(|kind| present(root, kind)).collect();
            if services.is_empty() {
                let hint = "it needs lnurl-service, discovery-service or offer-service".to_owned();
                let message = "there is no section for any service";
                root.sink().error(root.at(), "", message, Some(hint));
            }
            services
        }
        Scope::Services(services) => {
            for kind in services {
                if !present(root, kind) {
                    let name = kind.name();
                    root.missing(kind.key(), &format!("the {name} service is to be started"));
                }
            }
            services.clone()
        }
        Scope::Stores => BTreeSet::new(),
    }
}

fn read_stores(
    root: &mut Section<'_>,
    scope: &Scope,
    services: &BTreeSet<ServiceKind>,
    keep: &mut dyn FnMut(bool),
) -> Stores {
    let lnurl = services.contains(&ServiceKind::Lnurl);
    let discover = lnurl || services.contains(&ServiceKind::Discovery);
    let offer = lnurl || services.contains(&ServiceKind::Offer);
    let Some(mut section) = root.child("store") else {
        if discover || offer || *scope == Scope::Stores {
            root.missing(
                "store",
                "it says where nodes (discover) and offers (offer) are kept",
            );
        }
        return Stores::default();
    };
    let mut read = |key: &'static str, needed: bool| {
        if needed && !section.is_given(key) {
            section.missing(key, "its type is one of database, http, memory");
        }
        let store = section.optional_child(key).and_then(store::read);
        keep(needed);
        store
    };
    let stores = Stores {
        discover: read("discover", discover),
        offer: read("offer", offer),
    };
    section.finish();
    stores
}

/// Two services cannot listen on one address.
fn check_addresses(config: &Config, sink: &Sink) {
    let listeners = [
        (
            ServiceKind::Lnurl,
            config.lnurl.as_ref().map(|it| &it.listener),
        ),
        (
            ServiceKind::Discovery,
            config.discovery.as_ref().map(|it| &it.listener),
        ),
        (
            ServiceKind::Offer,
            config.offer.as_ref().map(|it| &it.listener),
        ),
    ];
    let started: Vec<_> = listeners
        .into_iter()
        .filter(|(kind, _)| config.services.contains(kind))
        .filter_map(|(kind, listener)| Some((kind, listener?)))
        .collect();
    for (index, (kind, listener)) in started.iter().enumerate() {
        let earlier = started.iter().take(index);
        for (other, taken) in earlier.filter(|(_, it)| clash(it.address, listener.address)) {
            let key = reader::join(kind.key(), "address");
            let message = format!("{} is also the address of {}", taken.address, other.key());
            let hint = "give each service a port of its own".to_owned();
            sink.error(listener.at, &key, message, Some(hint));
        }
    }
}

/// Whether both cannot be listened on. `[::]` takes its port of IPv4 too.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let covers =
        |ip: IpAddr, other: IpAddr| ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4());
    let ips = (one.ip().to_canonical(), other.ip().to_canonical());
    let same = ips.0 == ips.1 || covers(ips.0, ips.1) || covers(ips.1, ips.0);
    one.port() == other.port() && one.port() != 0 && same
}

#[cfg(test)]
mod tests;
