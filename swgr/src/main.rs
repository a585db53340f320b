//! `swgr`: the switchgear server and its command line.

use std::process::ExitCode;

use clap::Parser as _;
use swgr::cli::{self, Cli};

fn main() -> ExitCode {
    install_crypto();
    let cli = Cli::parse();
    let env = |name: &str| std::env::var(name).ok();
    swgr::logs::init(cli.log_level, &env);
    match cli::run(cli.command, &env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(swgr::Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            cli::say(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// One provider for TLS and tokens. Both say so by an error if there is one already, and then it is
/// the same: no other is compiled in.
fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
