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
mod places;
mod progress;
mod record;
mod resume;
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
    let place = places::journal(&args, &source)?;
    let service = remote.base_url.to_string();
    let store = reach(remote).await?;
    let (journal, done) = journal(place, &source, &service, args.restart)?;
    let is_resumable = journal.is_some();
    let mut transfer = Transfer::new(TransferConfig {
        store,
        concurrency: args.concurrency.into(),
        patience: args.retry_for,
        journal,
        done,
        refused: refused_file(args.refused.as_deref())?,
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

/// What earlier loads of the file have done; of a stream, which has no journal, nothing.
fn journal(
    place: Option<PathBuf>,
    source: &Source,
    service: &str,
    restart: bool,
) -> Result<(Option<Journal>, Done), Failure> {
    let (Some(place), Source::File { length, .. }) = (place, source) else {
        return Ok((None, Done::default()));
    };
    let (journal, done) = Journal::open(place, service, *length, restart)?;
    Ok((Some(journal), done))
}

/// The file for what is refused, empty from the start.
fn refused_file(path: Option<&Path>) -> Result<Option<(PathBuf, File)>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(Some((path.to_owned(), file)))
}
