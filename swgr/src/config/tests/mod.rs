mod broken;
mod files;
mod good;

use std::path::Path;

use super::*;

/// A file that starts all services; broken files are made of it.
const GOOD: &str = "\
lnurl-service:
  allowed-hosts: [pay.example.com]
discovery-service:
  auth-authority: discovery.pem
offer-service:
  auth-authority: offer.pem
store:
  discover: {type: memory}
  offer: {type: memory}
";

fn all() -> Scope {
    Scope::Services(ServiceKind::ALL.into_iter().collect())
}

fn env(name: &str) -> Option<String> {
    match name {
        "ADDRESS" => Some("127.0.0.1:9090".to_owned()),
        "HOSTS" => Some("a.example.com, b.example.com:8443,".to_owned()),
        "SCALE" => Some("4".to_owned()),
        "COMMENTS" => Some("false\n  verify-invoices: true # not a comment".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("swgr.yaml"), text, &all(), &env)
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The lines that an administrator sees.
fn errors(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}
