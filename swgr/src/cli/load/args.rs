use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::cli::remote::{RemoteArgs, seconds};

/// `swgr offer load`
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The file to read, one record a line; `-` is standard input [default: -].
    ///
    /// Of lines with the same record the last wins, also when an earlier one is mended and loaded again
    /// where it stands.
    #[arg(short, long, value_name = "FILE.ndjson")]
    pub input: Option<PathBuf>,
    /// How many requests are under way at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub concurrency: u16,
    /// For how long a record is sent again while the service fails, in seconds.
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = seconds)]
    pub retry_for: Duration,
    /// Write the lines that were refused to this file, to be mended and loaded; replaced if it exists.
    ///
    /// Loaded from there, a line wins over all lines of the first file with the same record.
    #[arg(long, value_name = "PATH")]
    pub refused: Option<PathBuf>,
    /// Where to note what is done [default: FILE.ndjson.progress]; a file that is no such journal is
    /// left as it is.
    #[arg(long, value_name = "PATH")]
    pub journal: Option<PathBuf>,
    /// Send everything, whatever an earlier load has done.
    #[arg(long)]
    pub restart: bool,
    /// Show no progress, and nothing at all if all goes well.
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// The service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}
