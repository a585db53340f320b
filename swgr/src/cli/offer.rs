use chrono::Utc;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use switchgear_core::{
    Millisatoshi, Partition,
    offer::{
        Offer, OfferMetadata, OfferMetadataStore as _, OfferStore as _, SendableRange, Text,
        Validity,
    },
    store::{PageStart, StoreError, Written},
};
use switchgear_stores::http::{HttpOfferStore, HttpStoreConfig};
use uuid::Uuid;

use super::{
    args::{InputArgs, RecordArgs},
    discovery::partition,
    input::Body,
    load::LoadArgs,
    output::{self, Located, say},
    remote::{RemoteArgs, failure, failure_of, not_found},
    token::TokenCommand,
};
use crate::{Failure, config::Env};

/// `swgr offer`
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum OfferCommand {
    /// Keys and tokens of the offer service.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print a JSON template of an offer, payable once its metadata exists.
    New {
        /// Where the offer lives.
        #[arg(short, long, default_value = "default", value_parser = partition)]
        partition: Partition,
        /// The offer's metadata [default: a new id].
        #[arg(short, long, value_name = "UUID")]
        metadata_id: Option<Uuid>,
        /// Where to.
        #[command(flatten)]
        record: RecordArgs,
    },
    /// Manage the metadata of offers.
    #[command(subcommand)]
    Metadata(MetadataCommand),
    /// Create or replace many offers and metadata records.
    ///
    /// Each line of the input is one record in JSON: {"offer": {…}}, {"metadata": {…}}, or the record
    /// itself as `get` shows it. A file may have them in any order: its metadata is sent first.
    /// Standard input is sent as it comes, so metadata must stand before the offers that name it.
    ///
    /// A load that was stopped goes on where it was when the same command is given again: until
    /// everything is loaded, what is done stands in FILE.ndjson.progress. Lines that were edited
    /// meanwhile are sent again, and those that were refused; no others. A load from standard input
    /// begins anew, which changes nothing that is loaded.
    ///
    /// While the service fails, records are sent again for some time. The exit code is 1 if a record
    /// was refused or the load was stopped.
    Load(LoadArgs),
    /// What an offer service is asked for.
    #[command(flatten)]
    Remote(OfferRequest),
}

/// The commands of [`OfferCommand`] that ask a service for offers.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum OfferRequest {
    /// Print an offer as JSON, or a page of a partition's offers.
    Get(GetArgs),
    /// Create an offer from JSON.
    Post(PostArgs),
    /// Create or replace an offer from JSON.
    Put(PutArgs),
    /// Remove an offer.
    #[command(visible_alias = "rm")]
    Delete(Target),
}

/// `swgr offer metadata`
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum MetadataCommand {
    /// Print a JSON template of metadata.
    New {
        /// Where the metadata lives.
        #[arg(short, long, default_value = "default", value_parser = partition)]
        partition: Partition,
        /// What a wallet shows.
        #[arg(short, long, default_value = "Lightning payment", value_parser = text)]
        text: Text,
        /// Where to.
        #[command(flatten)]
        record: RecordArgs,
    },
    /// What an offer service is asked for.
    #[command(flatten)]
    Remote(MetadataRequest),
}

/// The commands of [`MetadataCommand`] that ask a service for metadata.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum MetadataRequest {
    /// Print metadata as JSON, or a page of a partition's metadata.
    Get(GetArgs),
    /// Create metadata from JSON.
    Post(PostArgs),
    /// Create or replace metadata from JSON.
    Put(PutArgs),
    /// Remove metadata that no offer uses.
    #[command(visible_alias = "rm")]
    Delete(Target),
}

/// One record, or a page.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The partition.
    #[arg(value_parser = partition)]
    partition: Partition,
    /// The record's id [default: a page of all].
    id: Option<Uuid>,
    /// How many records to skip.
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 0,
        conflicts_with = "id"
    )]
    start: u64,
    /// How many records to print, at most the service's max-page-size [default: that many].
    #[arg(short, long, value_name = "N", conflicts_with = "id")]
    count: Option<usize>,
    /// Where to.
    #[command(flatten)]
    record: RecordArgs,
    /// The service.
    #[command(flatten)]
    remote: RemoteArgs,
}

/// A new record.
#[derive(Debug, Args)]
pub struct PostArgs {
    /// Where from.
    #[command(flatten)]
    input: InputArgs,
    /// The service.
    #[command(flatten)]
    remote: RemoteArgs,
}

/// A record and its new content.
#[derive(Debug, Args)]
pub struct PutArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    input: InputArgs,
}

/// One record of a service.
#[derive(Debug, Args)]
pub struct Target {
    /// The partition.
    #[arg(value_parser = partition)]
    partition: Partition,
    /// The record's id.
    id: Uuid,
    #[command(flatten)]
    remote: RemoteArgs,
}

impl Target {
    fn location(&self) -> String {
        location(&self.partition, self.id)
    }
}

/// Prints a template of an offer: payable from now on, for 1 to 1,000,000 sat.
pub(super) fn new(
    partition: Partition,
    metadata_id: Option<Uuid>,
    record: &RecordArgs,
) -> Result<(), Failure> {
    let (least, most) = (Millisatoshi::from_sat(1), Millisatoshi::from_sat(1_000_000));
    let offer = Offer {
        partition,
        id: Uuid::new_v4(),
        sendable: SendableRange::try_new(least, most).map_err(anyhow::Error::new)?,
        metadata_id: metadata_id.unwrap_or_else(Uuid::new_v4),
        validity: Validity::new(Utc::now(), None),
    };
    output::write(record.path(), &output::json(&offer)?)
}

/// Prints a template of metadata.
pub(super) fn new_metadata(
    partition: Partition,
    text: Text,
    record: &RecordArgs,
) -> Result<(), Failure> {
    let metadata = OfferMetadata {
        id: Uuid::new_v4(),
        partition,
        text,
        long_text: None,
        image: None,
        identifier: None,
    };
    output::write(record.path(), &output::json(&metadata)?)
}

/// Asks an offer service for offers.
pub(super) async fn run(request: OfferRequest, env: Env<'_>) -> Result<(), Failure> {
    match request {
        OfferRequest::Get(args) => {
            let store = connect(&args.remote, env)?;
            match args.id {
                Some(id) => one("Offer", &args, id, store.offer(&args.partition, id).await),
                None => {
                    let (start, count) = (PageStart::Offset(args.start), args.count);
                    let found = store.offers_from(&args.partition, start, count).await;
                    page(&args, found, |offer| location(&offer.partition, offer.id))
                }
            }
        }
        OfferRequest::Post(args) => {
            let config = config(&args.remote, env)?;
            let offer: Offer = args.read()?;
            let name = location(&offer.partition, offer.id);
            let posted = open(config)?.post_offer(offer).await;
            done(
                "Offer created",
                &name,
                posted.map_err(|error| failure(&error)),
            )
        }
        OfferRequest::Put(args) => {
            let config = config(&args.target.remote, env)?;
            let offer: Offer = args.read()?;
            let store = open(config)?;
            written("Offer", &args.target, store.put_offer(offer).await)
        }
        OfferRequest::Delete(target) => {
            let store = connect(&target.remote, env)?;
            let deleted = store.delete_offer(&target.partition, target.id).await;
            let name = target.location();
            let deleted = deleted.map_err(|error| failure_of("Offer", &name, &error));
            done("Offer deleted", &name, deleted)
        }
    }
}

/// Asks an offer service for metadata.
pub(super) async fn run_metadata(request: MetadataRequest, env: Env<'_>) -> Result<(), Failure> {
    match request {
        MetadataRequest::Get(args) => {
            let store = connect(&args.remote, env)?;
            match args.id {
                Some(id) => one(
                    "Metadata",
                    &args,
                    id,
                    store.metadata(&args.partition, id).await,
                ),
                None => {
                    let (start, count) = (PageStart::Offset(args.start), args.count);
                    let found = store.metadata_from(&args.partition, start, count).await;
                    page(&args, found, |record| {
                        location(&record.partition, record.id)
                    })
                }
            }
        }
        MetadataRequest::Post(args) => {
            let config = config(&args.remote, env)?;
            let metadata: OfferMetadata = args.read()?;
            let name = location(&metadata.partition, metadata.id);
            let posted = open(config)?.post_metadata(metadata).await;
            done(
                "Metadata created",
                &name,
                posted.map_err(|error| failure(&error)),
            )
        }
        MetadataRequest::Put(args) => {
            let config = config(&args.target.remote, env)?;
            let metadata: OfferMetadata = args.read()?;
            let store = open(config)?;
            written("Metadata", &args.target, store.put_metadata(metadata).await)
        }
        MetadataRequest::Delete(target) => {
            let store = connect(&target.remote, env)?;
            let deleted = store.delete_metadata(&target.partition, target.id).await;
            let name = target.location();
            let deleted = deleted.map_err(|error| failure_of("Metadata", &name, &error));
            done("Metadata deleted", &name, deleted)
        }
    }
}

impl PostArgs {
    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = Body::read(self.input.input.as_deref())?;
        body.without_location().into_record()
    }
}

impl PutArgs {
    /// The record, whose key is the command line's: the body may leave it out, or must agree.
    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        Body::read(self.input.input.as_deref())?
            .normalise::<Uuid>("id")
            .fix("id", json!(self.target.id))?
            .fix("partition", json!(self.target.partition))?
            .agree("location", json!(self.target.location()))?
            .into_record()
    }
}

/// Prints one record.
fn one<T: Serialize>(
    kind: &str,
    args: &GetArgs,
    id: Uuid,
    found: Result<Option<T>, StoreError>,
) -> Result<(), Failure> {
    let location = location(&args.partition, id);
    let found = found.map_err(|error| failure(&error))?;
    let record = &found.ok_or_else(|| not_found(kind, &location))?;
    output::write(
        args.record.path(),
        &output::json(&Located { record, location })?,
    )
}

/// Prints a page of records.
fn page<T: Serialize>(
    args: &GetArgs,
    found: Result<Vec<T>, StoreError>,
    location: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    let records = found.map_err(|error| failure(&error))?;
    let located: Vec<_> = records
        .iter()
        .map(|record| Located {
            record,
            location: location(record),
        })
        .collect();
    output::write(args.record.path(), &output::json(&located)?)
}

fn written(
    kind: &str,
    target: &Target,
    result: Result<Written, StoreError>,
) -> Result<(), Failure> {
    let what = match result.map_err(|error| failure(&error))? {
        Written::Created => "created",
        Written::Updated => "updated",
    };
    say(format_args!("{kind} {what}: {}", target.location()));
    Ok(())
}

fn done(what: &str, name: &str, result: Result<(), Failure>) -> Result<(), Failure> {
    result?;
    say(format_args!("{what}: {name}"));
    Ok(())
}

fn location(partition: &Partition, id: Uuid) -> String {
    format!("{partition}/{id}")
}

fn connect(remote: &RemoteArgs, env: Env<'_>) -> Result<HttpOfferStore, Failure> {
    open(config(remote, env)?)
}

/// Before a body is read: it knows whether standard input is the token's.
fn config(remote: &RemoteArgs, env: Env<'_>) -> Result<HttpStoreConfig, Failure> {
    remote.config("OFFER", env)
}

fn open(config: HttpStoreConfig) -> Result<HttpOfferStore, Failure> {
    HttpOfferStore::try_new(config).map_err(|error| failure(&error))
}

fn text(text: &str) -> Result<Text, String> {
    Text::try_new(text).map_err(|error| error.reason().to_owned())
}
