use std::fmt;

use switchgear_core::ErrorChain;

use crate::config::ConfigError;

/// Why a command failed, which decides the process's exit code.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// The configuration file is wrong: exit code 78, `EX_CONFIG` of `sysexits.h`.
    Config(ConfigError),
    /// The reader of standard output went away: nobody is left to tell.
    BrokenPipe,
    /// Everything else: exit code 1.
    Other(anyhow::Error),
}

impl Failure {
    /// A failure in the words that an administrator reads.
    pub fn message(message: impl fmt::Display) -> Self {
        Self::Other(anyhow::anyhow!("{message}"))
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Config(_) => 78,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Config(error) => ErrorChain(error).fmt(f),
            Self::BrokenPipe => f.write_str("standard output is closed"),
            Self::Other(error) => ErrorChain(error.as_ref()).fmt(f),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}
