//! `swgr offer load`: many records by concurrent requests, in bounded memory.
//!
//! ```text
//!  source ─▶ lines ─▶ record ─▶ order (who waits for whom) ─▶ courier (requests, again on failure)
//!                                                                │
//!        journal (what is done) ◀── load (keeps the books) ◀─────┘──▶ tally, progress
//! ```

mod args;
mod courier;
mod journal;
mod lines;
mod order;
mod progress;
mod record;
mod source;
mod tally;
mod transfer;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use switchgear_core::{ErrorChain, Partition, offer::OfferStore as _};
use switchgear_stores::http::{HttpOfferStore, HttpStoreConfig};
use uuid::Uuid;

pub use self::args::LoadArgs;
use self::{
    journal::{Done, Journal},
    source::Source,
    transfer::{End, Transfer, TransferConfig},
};
use super::{
    output::{self, say},
    remote::failure,
};
use crate::{Failure, config::Env};

/// Loads a file, or standard input, into an offer service.
pub(super) async fn run(args: LoadArgs, env: Env<'_>) -> Result<(), Failure> {
    let remote = args.remote.config("OFFER", env)?;
    let source = Source::find(args.input.as_deref())?;
    let service = remote.base_url.to_string();
    let store = reach(remote).await?;
    let (journal, done) = journal(&args, &source, &service)?;
    let is_resumable = journal.is_some();
    let mut transfer = Transfer::new(TransferConfig {
        store,
        concurrency: args.concurrency.into(),
        patience: args.retry_for,
        journal,
        done,
        refused: refused_file(args.refused.as_deref(), &source)?,
        total: source.total(),
        is_quiet: args.quiet,
    })?;
    let end = transfer.run(&source).await;
    let is_finished = matches!(end, Ok(End::Finished));
    let (tally, seconds) = transfer.finish(is_finished)?;
    let refusals = tally.refusals();
    if !refusals.is_empty() {
        say(refusals);
    }
    if !args.quiet || !is_finished || tally.refused() > 0 {
        say(tally.sentence(is_finished, seconds));
    }
    if args.json {
        output::print(&output::json(&tally.summary(is_finished, seconds))?)?;
    }
    let again = match is_resumable {
        true => "the same command sends only what is not loaded yet",
        false => "what is loaded stays, and may be sent again",
    };
    match end? {
        End::Finished if tally.refused() == 0 => Ok(()),
        End::Finished => Err(Failure::message(format!("records were refused: {again}"))),
        End::Stopped(signal) => Err(Failure::message(format!("stopped by {signal}: {again}"))),
        End::Failed(reason) => Err(Failure::message(format!("{reason}: {again}"))),
    }
}

/// The store, which has answered once: a wrong URL or token is said at once, and of the records none
/// is to blame for it.
async fn reach(config: HttpStoreConfig) -> Result<HttpOfferStore, Failure> {
    let store = HttpOfferStore::try_new(config).map_err(|error| failure(&error))?;
    let partition = Partition::try_new("default").map_err(anyhow::Error::new)?;
    match store.offer(&partition, Uuid::nil()).await {
        Ok(_) => Ok(store),
        Err(error) => Err(Failure::message(ErrorChain(&error))),
    }
}

/// A stream comes only once, and has no place to go on at.
fn journal(
    args: &LoadArgs,
    source: &Source,
    service: &str,
) -> Result<(Option<Journal>, Done), Failure> {
    let Source::File { path, length, .. } = source else {
        return match &args.journal {
            Some(_) => Err(Failure::Usage(
                "--journal needs a file as --input: a stream cannot be resumed".to_owned(),
            )),
            None => Ok((None, Done::default())),
        };
    };
    let place = args
        .journal
        .clone()
        .unwrap_or_else(|| Journal::beside(path));
    refuse_same(&place, path, "--journal")?;
    let (journal, done) = Journal::open(place, service, *length, args.restart)?;
    Ok((Some(journal), done))
}

/// The file for what is refused, empty from the start.
fn refused_file(path: Option<&Path>, source: &Source) -> Result<Option<(PathBuf, File)>, Failure> {
    let Some(path) = path else { return Ok(None) };
    if let Some(input) = source.path() {
        refuse_same(path, input, "--refused")?;
    }
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(Some((path.to_owned(), file)))
}

/// Output never goes over the input.
fn refuse_same(output: &Path, input: &Path, option: &str) -> Result<(), Failure> {
    match (output.canonicalize(), input.canonicalize()) {
        (Ok(output), Ok(input)) if output == input => Err(Failure::Usage(format!(
            "{option} must be another file than --input"
        ))),
        _ => Ok(()),
    }
}
