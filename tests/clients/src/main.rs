//! LNURL clients that others wrote, before a real `swgr` over TLS, with simulated nodes behind it: each gets an
//! invoice unmodified and verifies it, and each shows an error as one.
//!
//! Every client is a program `LNURL SATOSHI COMMENT` that prints one line of JSON: its version, and the invoice or
//! the error that its user would see. `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS` name the authority to trust. This
//! program sets the stage, asks them one after the other, judges, and prints a line for each:
//!
//! ```text
//! cargo run --release --manifest-path tests/clients/Cargo.toml
//! ```
//!
//! A client that cannot be installed on this machine is named; with `CI=true` it is a failure.

mod authority;
mod client;
mod install;
mod invoice;
mod lnurl_rs;
mod process;
mod stage;
mod trial;
mod web;

use std::{env, process::ExitCode};

use self::{
    client::Client,
    stage::Stage,
    trial::{Trial, Verdict},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let good = match arguments.as_slice() {
        [] => judge(),
        [lnurl_rs::COMMAND, lnurl, satoshi, comment] => {
            lnurl_rs::run(lnurl, satoshi, comment).map(|()| true)
        }
        _ => {
            eprintln!("usage: clients");
            return ExitCode::from(2);
        }
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("clients: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every client is content.
fn judge() -> anyhow::Result<bool> {
    let must = env::var("CI").is_ok_and(|value| value == "true");
    let stage = Stage::start()?;
    let mut trial = Trial::begin(&stage)?;
    let (mut passed, mut failed, mut untested) = (0, 0, 0);
    for client in Client::ALL {
        let verdict = trial.of(client);
        match &verdict {
            Verdict::Passed(_) => passed += 1,
            Verdict::Untested(_) if !must => untested += 1,
            Verdict::Failed(_) | Verdict::Untested(_) => failed += 1,
        }
        println!("{:<16} {verdict}", client.name());
    }
    println!("{passed} clients passed, {failed} failed, {untested} untested");
    Ok(failed == 0)
}
