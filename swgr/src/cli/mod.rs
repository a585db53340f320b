//! The command line: arguments, and the commands that are not the service itself.

mod args;
mod backend_list;
mod discovery;
mod health;
mod input;
mod load;
mod offer;
mod output;
mod remote;
mod secret;
mod store;
mod token;

use std::{collections::BTreeSet, path::Path};

use clap::CommandFactory as _;
use switchgear_http::auth::Audience;

pub use self::{
    args::{Cli, Command, ConfigCommand, HealthArgs, ServiceArgs, ServiceName, StoreCommand},
    discovery::{DiscoveryCommand, DiscoveryRequest},
    load::LoadArgs,
    offer::{MetadataCommand, MetadataRequest, OfferCommand, OfferRequest},
    output::say,
    token::TokenCommand,
};
use crate::{
    Failure, compose,
    config::{self, Config, Env, Scope, ServiceKind},
};

/// Runs a command to its end; the service, until a signal.
///
/// # Errors
/// What went wrong, in words for an administrator; its kind decides the exit code.
pub fn run(command: Command, env: Env<'_>) -> Result<(), Failure> {
    match command {
        Command::Service(args) => serve(&args, env),
        Command::Config(ConfigCommand::Check { config }) => check(&config, env),
        Command::Discovery(command) => discovery(command, env),
        Command::Offer(command) => offer(command, env),
        Command::Store(StoreCommand::Migrate { config }) => {
            block_on(store::migrate(read_config(&config, &Scope::Stores, env)?))
        }
        Command::Health(args) => block_on(health::run(&args)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "swgr", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
    }
}

fn serve(args: &ServiceArgs, env: Env<'_>) -> Result<(), Failure> {
    let named: BTreeSet<ServiceKind> = args
        .services
        .iter()
        .flat_map(|name| name.kinds())
        .copied()
        .collect();
    let services = match named.is_empty() {
        true => ServiceKind::ALL.into_iter().collect(),
        false => named,
    };
    let config = read_config(&args.config, &Scope::Services(services), env)?;
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::new)?;
    let result = runtime.block_on(compose::run(config));
    // After the drain nothing is worth waiting for, and a second signal waits for nothing at all.
    runtime.shutdown_background();
    result
}

fn check(path: &Path, env: Env<'_>) -> Result<(), Failure> {
    let config = read_config(path, &Scope::Present, env)?;
    let names: Vec<_> = config.services.iter().map(|kind| kind.name()).collect();
    let names = names.join(", ");
    say(format_args!("{} is good for: {names}", path.display()));
    Ok(())
}

fn read_config(path: &Path, scope: &Scope, env: Env<'_>) -> Result<Config, Failure> {
    let config = Config::load(path, scope, env)?;
    if !config.warnings.is_empty() {
        let lines = config::lines(path, &config.warnings);
        for line in lines.lines() {
            say(format_args!("warning: {line}"));
        }
    }
    Ok(config)
}

fn discovery(command: DiscoveryCommand, env: Env<'_>) -> Result<(), Failure> {
    match command {
        DiscoveryCommand::Token(command) => token::run(command, Audience::Discovery),
        DiscoveryCommand::New(args) => discovery::new(args),
        DiscoveryCommand::Remote(request) => block_on(discovery::run(request, env)),
    }
}

fn offer(command: OfferCommand, env: Env<'_>) -> Result<(), Failure> {
    match command {
        OfferCommand::Token(command) => token::run(command, Audience::Offer),
        OfferCommand::New {
            partition,
            metadata_id,
            record,
        } => offer::new(partition, metadata_id, &record),
        OfferCommand::Metadata(MetadataCommand::New {
            partition,
            text,
            record,
        }) => offer::new_metadata(partition, text, &record),
        OfferCommand::Metadata(MetadataCommand::Remote(request)) => {
            block_on(offer::run_metadata(request, env))
        }
        OfferCommand::Load(args) => block_on(load::run(args, env)),
        OfferCommand::Remote(request) => block_on(offer::run(request, env)),
    }
}

/// A client command waits for others most of its time, and one thread is enough.
fn block_on(future: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::new)?;
    let result = runtime.block_on(future);
    // A read of standard input that was given up lasts until its writer ends.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defines_a_consistent_command_line() {
        Cli::command().debug_assert();
    }
}
