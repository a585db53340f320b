use std::{
    path::{Path, PathBuf, absolute},
    time::SystemTime,
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use switchgear_http::auth::{Audience, Authority, Claims, OneOrMany, SigningKey};

use super::{
    args::RecordArgs,
    input::{is_standard, read_text},
    output,
    secret::{Readers, Staged, exists, write_secret},
};
use crate::Failure;

/// `swgr discovery token`, `swgr offer token`
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum TokenCommand {
    /// Make a key pair: the public half is the service's auth-authority, the private one mints.
    Key(KeyArgs),
    /// Make a token.
    Mint(MintArgs),
    /// Make a key pair and a token.
    MintAll {
        /// The pair.
        #[command(flatten)]
        keys: KeyArgs,
        /// The token.
        #[command(flatten)]
        token: TokenArgs,
    },
    /// Check a token and print its claims as JSON.
    Verify(VerifyArgs),
}

/// Where a key pair goes.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The file of the public key (SPKI, PEM).
    #[arg(short, long, value_name = "PATH")]
    public: PathBuf,
    /// The file of the private key (PKCS#8, PEM), readable by its owner only.
    #[arg(short = 'k', long, value_name = "PATH")]
    private: PathBuf,
    /// Overwrite keys that exist.
    #[arg(long)]
    force: bool,
}

/// How long a token is good, and where it goes.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// How long it is good, in seconds.
    #[arg(short, long, value_name = "SECS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    expires: u64,
    /// Who holds it (claim `sub`): the name in the log of administrative writes.
    #[arg(short, long, value_name = "NAME", default_value = "admin", value_parser = subject)]
    subject: String,
    /// The file to write, readable by its owner only; `-` is standard output [default: -].
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// A hundred years: what is above it is a slip of the hand.
const MOST_SECONDS: u64 = 3_153_600_000;

/// `swgr … token mint`
#[derive(Debug, Args)]
pub struct MintArgs {
    /// The file of the private key; `-` is standard input.
    #[arg(short, long, value_name = "PATH")]
    key: PathBuf,
    /// The token.
    #[command(flatten)]
    token: TokenArgs,
}

/// `swgr … token verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file of the public key, or of several; `-` is standard input.
    #[arg(short, long, value_name = "PATH")]
    public: PathBuf,
    /// The file of the token; `-` is standard input [default: -].
    #[arg(short, long, value_name = "PATH")]
    token: Option<PathBuf>,
    /// Where to.
    #[command(flatten)]
    record: RecordArgs,
}

/// Runs a command for the tokens of one service. Nothing here asks a service.
pub(super) fn run(command: TokenCommand, audience: Audience) -> Result<(), Failure> {
    match command {
        TokenCommand::Key(keys) => make_keys(&keys).map(drop),
        TokenCommand::Mint(args) => {
            let key = signing_key(&args.key)?;
            mint(&key, &args.token, audience)
        }
        TokenCommand::MintAll { keys, token } => mint(&make_keys(&keys)?, &token, audience),
        TokenCommand::Verify(args) => verify(&args, audience),
    }
}

fn make_keys(args: &KeyArgs) -> Result<SigningKey, Failure> {
    if !is_standard(&args.public) && absolute(&args.public).ok() == absolute(&args.private).ok() {
        let message = "--public and --private must be two files";
        return Err(Failure::Usage(message.to_owned()));
    }
    for path in [&args.private, &args.public] {
        if !args.force && !is_standard(path) && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
    }
    let pair = SigningKey::generate().context("making a key pair")?;
    // Both are written before either is put in its place, so that no half of a pair is made or lost.
    let private = Staged::new(Some(&args.private), &pair.private_pem, Readers::Owner)?;
    let public = Staged::new(Some(&args.public), &pair.public_pem, Readers::Umask)?;
    private.persist(args.force)?;
    public.persist(args.force)?;
    let key = SigningKey::from_pem(pair.private_pem.as_bytes()).context("reading the new key")?;
    Ok(key)
}

fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let pem = read_text(Some(path))?;
    let key = SigningKey::from_pem(pem.as_bytes())
        .with_context(|| format!("reading the private key {}", path.display()))?;
    Ok(key)
}

fn mint(key: &SigningKey, args: &TokenArgs, audience: Audience) -> Result<(), Failure> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .context("reading the clock")?
        .as_secs();
    let claims = Claims {
        aud: OneOrMany::One(audience.as_str().to_owned()),
        exp: now.saturating_add(args.expires),
        iat: Some(now),
        nbf: None,
        sub: Some(args.subject.clone()),
    };
    let token = key.sign(&claims).context("making a token")?;
    write_secret(args.output.as_deref(), &token)
}

fn verify(args: &VerifyArgs, audience: Audience) -> Result<(), Failure> {
    let pem = read_text(Some(&args.public))?;
    let token = read_text(args.token.as_deref())?;
    let authority = Authority::from_pem(pem.as_bytes(), audience)
        .with_context(|| format!("reading the public key {}", args.public.display()))?;
    let claims = authority.verify(token.trim()).map_err(anyhow::Error::new)?;
    output::write(args.record.path(), &output::json(&claims)?)
}

fn subject(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be a name, in one line".to_owned());
    }
    Ok(text.to_owned())
}
