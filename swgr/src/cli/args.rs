use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{discovery::DiscoveryCommand, offer::OfferCommand};
use crate::{config::ServiceKind, logs::LogLevel};

/// Keeps Lightning payments arriving: LNURL over a fleet of LND and CLN nodes.
#[derive(Debug, Parser)]
#[command(
    name = "swgr",
    version,
    propagate_version = false,
    max_term_width = 100
)]
pub struct Cli {
    /// How much is logged; wins over RUST_LOG [default: info].
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        ignore_case = true,
        value_name = "LEVEL"
    )]
    pub log_level: Option<LogLevel>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Run services until a signal.
    Service(ServiceArgs),
    /// Look at a configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Manage node backends through a discovery service.
    #[command(subcommand)]
    Discovery(DiscoveryCommand),
    /// Manage offers and their metadata through an offer service.
    #[command(subcommand)]
    Offer(OfferCommand),
    /// Look after the databases of a configuration.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Ask a service whether it runs; exit code 0 if it does.
    Health(HealthArgs),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `swgr service`
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// The configuration file; `-` is standard input.
    #[arg(short, long, value_name = "PATH")]
    pub config: PathBuf,
    /// The services to start [default: all].
    #[arg(value_enum)]
    pub services: Vec<ServiceName>,
}

/// A service's name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceName {
    /// All three.
    All,
    /// The public LNURL service.
    Lnurl,
    /// The discovery service.
    Discovery,
    /// The offer service.
    Offer,
}

impl ServiceName {
    /// The services that the name stands for.
    pub fn kinds(self) -> &'static [ServiceKind] {
        match self {
            Self::All => &ServiceKind::ALL,
            Self::Lnurl => &[ServiceKind::Lnurl],
            Self::Discovery => &[ServiceKind::Discovery],
            Self::Offer => &[ServiceKind::Offer],
        }
    }
}

/// `swgr config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report every mistake in a configuration file; start nothing.
    Check {
        /// The configuration file; `-` is standard input.
        #[arg(short, long, value_name = "PATH")]
        config: PathBuf,
    },
}

/// `swgr store`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Bring the tables of the databases up to date, apart from the services.
    ///
    /// The services do so when they start. Where their database user may not, run this before, with
    /// a user who may: they need no such right afterwards. What is up to date stays as it is.
    Migrate {
        /// The configuration file; `-` is standard input.
        #[arg(short, long, value_name = "PATH")]
        config: PathBuf,
    },
}

/// `swgr health`
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// The service's base URL.
    #[arg(default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// PEM bundles of the authorities to trust instead of the system's own; `-` is standard input.
    #[arg(short, long, value_name = "PATH")]
    pub trusted_roots: Vec<PathBuf>,
    /// How long to wait for the answer, in seconds.
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = super::remote::seconds)]
    pub timeout: std::time::Duration,
}

/// Where a command reads a record.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// The JSON file to read; `-` is standard input [default: -].
    #[arg(short, long, value_name = "PATH")]
    pub input: Option<PathBuf>,
}

/// Where a command writes what it prints.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// The file to write, replaced if it exists; `-` is standard output [default: -].
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// Where a command writes a record.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Where to.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Print JSON, which is the only form of this command.
    #[arg(long)]
    pub json: bool,
}

impl RecordArgs {
    pub(super) fn path(&self) -> Option<&Path> {
        self.output.output.as_deref()
    }
}
