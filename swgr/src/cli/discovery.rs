use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use switchgear_core::{
    Partition,
    backend::{
        Backend, BackendAddress, BackendName, BackendPatch, BackendSnapshot,
        DiscoveryBackendStore as _, DiscoveryFeed as _, Partitions, PublicKey, Weight,
    },
    store::Written,
};
use switchgear_stores::http::{HttpDiscoveryStore, HttpStoreConfig};

use super::{
    args::{InputArgs, RecordArgs},
    backend_list::backend_list,
    input::Body,
    output::{self, say},
    remote::{RemoteArgs, failure, failure_of, not_found},
    token::TokenCommand,
};
use crate::{Failure, config::Env};

/// The key of the manual's examples: the generator point of secp256k1, which is nobody's node.
const EXAMPLE_KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// `swgr discovery`
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum DiscoveryCommand {
    /// Keys and tokens of the discovery service.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print a JSON template of a backend, disabled and with example paths.
    New(NewArgs),
    /// What a discovery service is asked for.
    #[command(flatten)]
    Remote(DiscoveryRequest),
}

/// The commands of [`DiscoveryCommand`] that ask a service.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum DiscoveryRequest {
    /// List all backends: a table on a terminal, else Markdown.
    Ls {
        /// Print JSON instead.
        #[arg(long)]
        json: bool,
        /// The service.
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Print one backend as JSON, or all.
    Get {
        /// `pk/HEX`, `url/BASE64URL`, or a bare hex key of 66 digits [default: all backends].
        #[arg(value_parser = address)]
        address: Option<BackendAddress>,
        /// Where to.
        #[command(flatten)]
        record: RecordArgs,
        /// The service.
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Register a backend from JSON.
    Post {
        /// Where from.
        #[command(flatten)]
        input: InputArgs,
        /// The service.
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Register or replace a backend from JSON.
    Put {
        /// Which one.
        #[command(flatten)]
        target: Target,
        /// Where from.
        #[command(flatten)]
        input: InputArgs,
    },
    /// Change some fields of a backend, from JSON or by options.
    Patch {
        /// Which one.
        #[command(flatten)]
        target: Target,
        /// Where from, without options.
        #[command(flatten)]
        input: InputArgs,
        /// What to change.
        #[command(flatten)]
        changes: ChangeArgs,
    },
    /// Let a backend take part.
    Enable(Target),
    /// Keep a backend from taking part.
    Disable(Target),
    /// Remove a backend.
    #[command(visible_alias = "rm")]
    Delete(Target),
}

/// One backend of a service.
#[derive(Debug, Args)]
pub struct Target {
    /// `pk/HEX`, `url/BASE64URL`, or a bare hex key of 66 digits.
    #[arg(value_parser = address)]
    address: BackendAddress,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// `swgr discovery new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// What the node speaks.
    #[arg(value_enum)]
    kind: NodeKind,
    /// The node's key [default: the manual's example].
    #[arg(value_parser = |text: &str| text.parse::<PublicKey>().map_err(|error| error.reason().to_owned()))]
    public_key: Option<PublicKey>,
    /// A partition that the node serves; may be repeated.
    #[arg(short, long = "partition", value_name = "NAME", default_value = "default", value_parser = partition)]
    partitions: Vec<Partition>,
    /// A friendly name.
    #[arg(short, long, value_parser = name)]
    name: Option<BackendName>,
    /// Where to.
    #[command(flatten)]
    record: RecordArgs,
}

/// What a node speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NodeKind {
    /// Core Lightning.
    ClnGrpc,
    /// LND.
    LndGrpc,
}

/// The quick changes of a backend.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The new weight, 0 to 65535; 0 drains.
    #[arg(long, value_name = "N", conflicts_with = "input")]
    weight: Option<u16>,
    /// Let it take part.
    #[arg(long, conflicts_with_all = ["disable", "input"])]
    enable: bool,
    /// Keep it from taking part.
    #[arg(long, conflicts_with = "input")]
    disable: bool,
    /// The new friendly name.
    #[arg(long, conflicts_with = "input", value_parser = name)]
    name: Option<BackendName>,
    /// A partition that it serves, in place of those before; may be repeated.
    #[arg(long = "partition", value_name = "NAME", conflicts_with = "input", value_parser = partition)]
    partitions: Vec<Partition>,
}

impl ChangeArgs {
    /// The changes, or `None` without any option.
    fn patch(self) -> Option<BackendPatch> {
        let patch = BackendPatch {
            name: self.name.map(Some),
            partitions: Partitions::try_new(self.partitions).ok(),
            weight: self.weight.map(Weight::new),
            enabled: (self.enable || self.disable).then_some(self.enable),
        };
        (patch != BackendPatch::default()).then_some(patch)
    }
}

/// Runs a command that asks no service.
pub(super) fn new(args: NewArgs) -> Result<(), Failure> {
    let key = match args.public_key {
        Some(key) => key.to_string(),
        None => EXAMPLE_KEY.to_owned(),
    };
    let template = json!({
        "address": {"publicKey": key},
        "name": args.name,
        "partitions": args.partitions,
        "weight": 1,
        "enabled": false,
        "implementation": match args.kind {
            NodeKind::ClnGrpc => json!({
                "type": "clnGrpc",
                "url": "https://127.0.0.1:9736",
                "domain": "localhost",
                "auth": {
                    "type": "path",
                    "caCertPath": "/path/to/ca.pem",
                    "clientCertPath": "/path/to/client.pem",
                    "clientKeyPath": "/path/to/client-key.pem",
                },
            }),
            NodeKind::LndGrpc => json!({
                "type": "lndGrpc",
                "url": "https://127.0.0.1:10009",
                "domain": "localhost",
                "auth": {
                    "type": "path",
                    "tlsCertPath": "/path/to/tls.cert",
                    "macaroonPath": "/path/to/admin.macaroon",
                },
                "ampInvoice": false,
            }),
        },
    });
    // Through the model, so that a template is what `post` accepts.
    let backend: Backend = serde_json::from_value(template).map_err(anyhow::Error::new)?;
    output::write(args.record.path(), &output::json(&backend)?)
}

/// Asks a discovery service.
pub(super) async fn run(request: DiscoveryRequest, env: Env<'_>) -> Result<(), Failure> {
    match request {
        DiscoveryRequest::Ls { json, remote } => {
            let backends = all(&connect(&remote, env)?).await?;
            let located: Vec<_> = backends.iter().map(output::located).collect();
            match json {
                true => output::print(&output::json(&located)?),
                false => output::print(&backend_list(&backends)),
            }
        }
        DiscoveryRequest::Get {
            address,
            record,
            remote,
        } => get(address, &record, &connect(&remote, env)?).await,
        DiscoveryRequest::Post { input, remote } => post(&input, &remote, env).await,
        DiscoveryRequest::Put { target, input } => put(&target, &input, env).await,
        DiscoveryRequest::Patch {
            target,
            input,
            changes,
        } => {
            let config = config(&target.remote, env)?;
            let patch = match changes.patch() {
                Some(patch) => patch,
                None => Body::read(input.input.as_deref())?.into_record()?,
            };
            patch_backend(&open(config)?, &target.address, patch, "Backend patched").await
        }
        DiscoveryRequest::Enable(target) => {
            let (store, patch) = (connect(&target.remote, env)?, BackendPatch::enabled(true));
            patch_backend(&store, &target.address, patch, "Backend enabled").await
        }
        DiscoveryRequest::Disable(target) => {
            let (store, patch) = (connect(&target.remote, env)?, BackendPatch::enabled(false));
            patch_backend(&store, &target.address, patch, "Backend disabled").await
        }
        DiscoveryRequest::Delete(target) => delete(&target, env).await,
    }
}

async fn get(
    address: Option<BackendAddress>,
    record: &RecordArgs,
    store: &HttpDiscoveryStore,
) -> Result<(), Failure> {
    let text = match address {
        Some(address) => {
            let found = store.get(&address).await.map_err(|error| failure(&error))?;
            let backend = found.ok_or_else(|| not_found("Backend", &address.to_string()))?;
            output::json(&output::located(&backend))?
        }
        None => {
            let backends = all(store).await?;
            let located: Vec<_> = backends.iter().map(output::located).collect();
            output::json(&located)?
        }
    };
    output::write(record.path(), &text)
}

async fn post(input: &InputArgs, remote: &RemoteArgs, env: Env<'_>) -> Result<(), Failure> {
    let config = config(remote, env)?;
    let body = Body::read(input.input.as_deref())?;
    let backend: Backend = body.without_location().into_record()?;
    let address = backend.address.clone();
    let posted = open(config)?.post(backend).await;
    posted.map_err(|error| failure(&error))?;
    say(format_args!("Backend created: {address}"));
    Ok(())
}

async fn put(target: &Target, input: &InputArgs, env: Env<'_>) -> Result<(), Failure> {
    let config = config(&target.remote, env)?;
    let address = &target.address;
    let backend: Backend = Body::read(input.input.as_deref())?
        .normalise::<BackendAddress>("address")
        .fix("address", json!(address))?
        .agree("location", json!(address.to_string()))?
        .into_record()?;
    let written = open(config)?.put(backend).await;
    match written.map_err(|error| failure(&error))? {
        Written::Created => say(format_args!("Backend created: {address}")),
        Written::Updated => say(format_args!("Backend updated: {address}")),
    }
    Ok(())
}

async fn patch_backend(
    store: &HttpDiscoveryStore,
    address: &BackendAddress,
    patch: BackendPatch,
    done: &str,
) -> Result<(), Failure> {
    let patched = store.patch(address, patch).await;
    let address = address.to_string();
    patched.map_err(|error| failure_of("Backend", &address, &error))?;
    say(format_args!("{done}: {address}"));
    Ok(())
}

async fn delete(target: &Target, env: Env<'_>) -> Result<(), Failure> {
    let address = target.address.to_string();
    let deleted = connect(&target.remote, env)?.delete(&target.address).await;
    deleted.map_err(|error| failure_of("Backend", &address, &error))?;
    say(format_args!("Backend deleted: {address}"));
    Ok(())
}

async fn all(store: &HttpDiscoveryStore) -> Result<Vec<Backend>, Failure> {
    match store
        .snapshot(None)
        .await
        .map_err(|error| failure(&error))?
    {
        BackendSnapshot::Changed {
            backends, left_out, ..
        } if left_out.is_empty() => Ok(backends),
        // A list without them would be taken for whole.
        BackendSnapshot::Changed { left_out, .. } => Err(Failure::message(format!(
            "{} of the backends cannot be read: {}: put each anew, or delete it",
            left_out.len(),
            left_out.join(", ")
        ))),
        BackendSnapshot::Unchanged => Err(Failure::message(
            "the service says that nothing changed, but was not asked for changes",
        )),
    }
}

fn connect(remote: &RemoteArgs, env: Env<'_>) -> Result<HttpDiscoveryStore, Failure> {
    open(config(remote, env)?)
}

/// Before a body is read: it knows whether standard input is the token's.
fn config(remote: &RemoteArgs, env: Env<'_>) -> Result<HttpStoreConfig, Failure> {
    remote.config("DISCOVERY", env)
}

fn open(config: HttpStoreConfig) -> Result<HttpDiscoveryStore, Failure> {
    HttpDiscoveryStore::try_new(config).map_err(|error| failure(&error))
}

fn address(text: &str) -> Result<BackendAddress, String> {
    text.parse().map_err(|_| {
        "an address is pk/<66 hex>, url/<base64url without padding>, or a bare hex key".to_owned()
    })
}

pub(super) fn partition(text: &str) -> Result<Partition, String> {
    Partition::try_new(text).map_err(|error| error.reason().to_owned())
}

fn name(text: &str) -> Result<BackendName, String> {
    BackendName::try_new(text).map_err(|error| error.reason().to_owned())
}
