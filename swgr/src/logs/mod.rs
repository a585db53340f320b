//! Logs on standard error: `<RFC 3339 time> LEVEL target: message`, one line for each event.

mod format;
mod level;

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use self::format::LineFormat;
pub use self::level::LogLevel;
use crate::config::Env;

/// Crates that write headers, and so tokens and macaroons, at their lower levels.
const TALKATIVE: [&str; 5] = ["h2", "hyper", "hyper_util", "tonic", "rustls"];

/// Starts logging: at `level`, or as `RUST_LOG` says, or at `info`.
///
/// In colour on a terminal, unless `NO_COLOR` is set. Only the first call has an effect.
pub fn init(level: Option<LogLevel>, env: Env<'_>) {
    let (filter, refused) = filter(level, env);
    let no_color = env("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = io::stderr().is_terminal() && !no_color;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .event_format(LineFormat)
        .with_filter(filter_fn(|event| {
            *event.level() <= Level::INFO || !is_talkative(event.target())
        }));
    // An error means that a subscriber is there already, as in a test.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    if let Some(refused) = refused {
        tracing::warn!("RUST_LOG is not understood, and the level is info: {refused}");
    }
}

/// The filter, and why `RUST_LOG` could not be used for it.
fn filter(level: Option<LogLevel>, env: Env<'_>) -> (EnvFilter, Option<String>) {
    let default = || EnvFilter::new(LogLevel::Info.as_str());
    let variable = env("RUST_LOG").filter(|value| !value.trim().is_empty());
    match (level, variable) {
        (Some(level), _) => (EnvFilter::new(level.as_str()), None),
        (None, Some(directives)) => match EnvFilter::try_new(directives.to_lowercase()) {
            Ok(filter) => (filter, None),
            Err(error) => (default(), Some(error.to_string())),
        },
        (None, None) => (default(), None),
    }
}

fn is_talkative(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    TALKATIVE.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(level: Option<LogLevel>, variable: Option<&str>) -> String {
        let env = |name: &str| variable.filter(|_| name == "RUST_LOG").map(str::to_owned);
        filter(level, &env).0.to_string()
    }

    #[test]
    fn prefers_the_option_to_the_variable_and_the_variable_to_info() {
        assert_eq!(chosen(Some(LogLevel::Error), Some("trace")), "error");
        assert_eq!(chosen(None, Some("WARN")), "warn");
        assert_eq!(chosen(None, Some("  ")), "info");
        assert_eq!(chosen(None, None), "info");
    }

    #[test]
    fn tells_why_a_variable_is_not_understood() {
        let env = |_: &str| Some("a=b=c".to_owned());
        let (filter, refused) = filter(None, &env);
        assert_eq!(filter.to_string(), "info");
        assert!(refused.is_some());
    }

    #[test]
    fn knows_the_crates_that_write_headers() {
        assert!(is_talkative("h2::codec::framed_read"));
        assert!(!is_talkative("switchgear_http::serve"));
    }
}
