use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use switchgear_core::{
    ErrorChain,
    store::{StoreError, StoreErrorKind},
};
use switchgear_stores::http::HttpStoreConfig;
use url::Url;

use super::input::openable;
use crate::{
    Failure,
    config::{self, Env},
};

/// How a client command reaches its service. What is left out comes from the environment.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    /// The service's base URL [env: (DISCOVERY|OFFER)_STORE_HTTP_BASE_URL].
    #[arg(short, long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The file of the bearer token; `-` is standard input [env:
    /// (DISCOVERY|OFFER)_STORE_HTTP_AUTHORIZATION].
    #[arg(short, long, value_name = "PATH")]
    pub authorization_path: Option<PathBuf>,
    /// A PEM bundle of the authorities to trust instead of the system's own; `-` is standard input
    /// [env: (DISCOVERY|OFFER)_STORE_HTTP_TRUSTED_ROOTS].
    #[arg(short, long, value_name = "PATH")]
    pub trusted_roots: Vec<PathBuf>,
    /// How long a request may take, in seconds.
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
}

impl RemoteArgs {
    /// Completes the arguments from the variables that begin with `prefix`.
    pub(super) fn config(&self, prefix: &str, env: Env<'_>) -> Result<HttpStoreConfig, Failure> {
        let variable = |name: &str| {
            let name = format!("{prefix}_STORE_HTTP_{name}");
            let value = env(&name).filter(|value| !value.is_empty());
            (name, value)
        };
        let (url_name, url) = variable("BASE_URL");
        let (token_name, token) = variable("AUTHORIZATION");
        let (_, roots) = variable("TRUSTED_ROOTS");
        let base_url = match (&self.base_url, url) {
            (Some(text), _) => service_url("--base-url", text)?,
            (None, Some(text)) => service_url(&url_name, &text)?,
            (None, None) => return Err(missing("--base-url", &url_name)),
        };
        let authorization = match (&self.authorization_path, token) {
            (Some(path), _) => path.clone(),
            (None, Some(path)) => PathBuf::from(path),
            (None, None) => return Err(missing("--authorization-path", &token_name)),
        };
        let mut config = HttpStoreConfig::new(base_url, openable(&authorization)?);
        config.connect_timeout = config.connect_timeout.min(self.timeout);
        config.total_timeout = self.timeout;
        let roots: Vec<_> = match &roots {
            Some(roots) if self.trusted_roots.is_empty() => roots
                .split(',')
                .map(|path| Path::new(path.trim()))
                .collect(),
            _ => self.trusted_roots.iter().map(PathBuf::as_path).collect(),
        };
        config.trusted_roots = roots.into_iter().map(openable).collect::<Result<_, _>>()?;
        Ok(config)
    }
}

/// Reads the URL of a service that `name` gives. It is never repeated: it may carry credentials, which
/// are refused.
pub(super) fn service_url(name: &str, text: &str) -> Result<Url, Failure> {
    config::service_url(text).map_err(|error| Failure::Usage(format!("{name} {error}")))
}

/// Reads a time of the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero() && *time <= Duration::from_secs(86_400))
        .ok_or_else(|| "must be a number of seconds above 0 and at most 86400".to_owned())
}

/// A store's refusal in the words of a command: `Conflict. …`, or what the service said.
pub(super) fn failure(error: &StoreError) -> Failure {
    let chain = ErrorChain(error);
    match error.kind() {
        StoreErrorKind::Conflict => Failure::message(format!("Conflict. {chain}")),
        _ => Failure::message(chain),
    }
}

/// As [`failure`], of a record of this `kind` and `name` that must exist.
pub(super) fn failure_of(kind: &str, name: &str, error: &StoreError) -> Failure {
    match error.kind() {
        StoreErrorKind::NotFound => not_found(kind, name),
        _ => failure(error),
    }
}

/// `Backend not found: …` and its like.
pub(super) fn not_found(kind: &str, name: &str) -> Failure {
    Failure::message(format!("{kind} not found: {name}"))
}

fn missing(option: &str, variable: &str) -> Failure {
    Failure::Usage(format!("{option} is missing: give it, or set {variable}"))
}
