use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use reqwest::blocking::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    authority::{self, AUTHORITY},
    process::{self, Running},
    web,
};

/// Many times what a command of `swgr`, or its first health round, takes.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// How many nodes of each kind, LND and Core Lightning: a lost comment must not lead to the right one by chance.
const OF_EACH_KIND: u16 = 16;
/// The partition with nodes.
const SERVED: &str = "default";
/// The partition that has none, so that nobody can make an invoice.
const EMPTY: &str = "empty";
/// What an administrator may write, and wallets must hash as it is served.
const TEXT: &str = "Kaffee & \"Kuchen\" für zwei ☕";
/// The smallest PNG: one grey pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

/// An offer as wallets meet it.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The upper-case LNURL, as `/bech32` gave it.
    pub(crate) lnurl: String,
    /// The metadata, as served.
    pub(crate) metadata: String,
    /// Where invoices are asked for.
    pub(crate) callback: String,
}

/// `swgr` over TLS before simulated nodes, twice: with the status codes of HTTP, and with 200 for every LNURL error.
#[derive(Debug)]
pub(crate) struct Stage {
    /// What anyone can pay.
    pub(crate) payable: Offer,
    /// What nobody can, by the usual status codes.
    pub(crate) unpayable: Offer,
    /// The same, as an LNURL error of status 200.
    pub(crate) unpayable_as_200: Offer,
    /// By which Chromium knows the certificate's key.
    pub(crate) fingerprint: String,
    web: Client,
    // These end before their folder goes.
    _nodes: Running,
    servers: [Running; 2],
    folder: TempDir,
}

impl Stage {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("clients-")?;
        let path = folder.path();
        let fingerprint = authority::make(path)?;
        for service in ["discovery", "offer"] {
            mint(path, service)?;
        }
        let (server, base, discovery, offers) = serve_all(path)?;
        let (as_200, base_200) = serve_as_200(path)?;
        let nodes = start_nodes(path, &discovery)?;
        let web = Client::builder()
            .tls_built_in_root_certs(false)
            .add_root_certificate(web::authority(&path.join(AUTHORITY))?)
            .timeout(web::TIMEOUT)
            .no_proxy()
            .build()?;
        wait_until_ready(&web, &base)?;
        let payable = publish(path, &offers, SERVED)?;
        let unpayable = publish(path, &offers, EMPTY)?;
        let look = |base: &str, offer: &str| look(&web, &format!("{base}/offers/{offer}"));
        Ok(Self {
            payable: look(&base, &payable)?,
            unpayable: look(&base, &unpayable)?,
            unpayable_as_200: look(&base_200, &unpayable)?,
            fingerprint,
            web,
            _nodes: nodes,
            servers: [server, as_200],
            folder,
        })
    }

    /// A folder for files that may go.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join(AUTHORITY)
    }

    /// What a plain HTTP client is answered by a URL, whatever the status.
    pub(crate) fn get(&self, url: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        Ok(self.web.get(url).query(query).send()?.json()?)
    }

    /// Whether a server has logged `text`.
    pub(crate) fn logged(&self, text: &str) -> anyhow::Result<bool> {
        for server in &self.servers {
            if server.log()?.contains(text) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A program of the product, where cargo put it: beside this one.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    let shown = program.display();
    ensure!(
        program.exists(),
        "{shown} is missing: build it by `cargo build --release --workspace --bins`, with the same CARGO_TARGET_DIR"
    );
    Ok(program)
}

fn swgr(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program("swgr")?);
    command.current_dir(folder).env_remove("RUST_LOG");
    Ok(command)
}

fn mint(folder: &Path, service: &str) -> anyhow::Result<()> {
    let public = format!("{service}-public.pem");
    let private = format!("{service}-private.pem");
    let token = format!("{service}.token");
    let mut command = swgr(folder)?;
    command.args([
        service, "token", "mint-all", "-p", &public, "-k", &private, "-o", &token,
    ]);
    process::output(command, "", folder, PATIENCE).map(drop)
}

/// Starts all three services; gives where they listen.
fn serve_all(folder: &Path) -> anyhow::Result<(Running, String, String, String)> {
    fs::write(folder.join("swgr.yaml"), format!("{LNURL}{OTHERS}"))?;
    let mut command = swgr(folder)?;
    command.args(["service", "--config", "swgr.yaml"]);
    let mut server = Running::start(command, folder.join("swgr.log"))?;
    let lnurl = server.wait_for("the lnurl service listens on ")?;
    let discovery = server.wait_for("the discovery service listens on ")?;
    let offer = server.wait_for("the offer service listens on ")?;
    Ok((server, by_name(&lnurl)?, discovery, offer))
}

/// Starts another LNURL service on the same stores.
fn serve_as_200(folder: &Path) -> anyhow::Result<(Running, String)> {
    let config = format!("{LNURL}  errors-as-200: true\n{OTHERS}");
    fs::write(folder.join("as-200.yaml"), config)?;
    let mut command = swgr(folder)?;
    command.args(["service", "--config", "as-200.yaml", "lnurl"]);
    let mut server = Running::start(command, folder.join("as-200.log"))?;
    let lnurl = server.wait_for("the lnurl service listens on ")?;
    Ok((server, by_name(&lnurl)?))
}

/// The URL with the name that the certificate is for.
fn by_name(url: &str) -> anyhow::Result<String> {
    let port = url
        .strip_prefix("https://127.0.0.1:")
        .with_context(|| format!("not TLS on the loopback address: {url}"))?;
    Ok(format!("https://localhost:{port}"))
}

fn start_nodes(folder: &Path, discovery: &str) -> anyhow::Result<Running> {
    let mut command = Command::new(program("simulator")?);
    let count = OF_EACH_KIND.to_string();
    command
        .args(["--lnd", &count, "--cln", &count])
        .args(["--directory", "nodes"])
        .args(["--network", "bitcoin", "--partition", SERVED])
        .args(["--register", "--base-url", discovery])
        .args(["--authorization", "discovery.token"])
        .current_dir(folder);
    let mut nodes = Running::start(command, folder.join("nodes.log"))?;
    nodes.wait_for("up: ")?;
    Ok(nodes)
}

/// Waits until every node is ready, since the comment chooses among those that are.
fn wait_until_ready(web: &Client, base: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let url = format!("{base}/health/full?partition={SERVED}");
    let all = format!("\"ready\":{}", 2 * OF_EACH_KIND);
    loop {
        let said = web.get(&url).send()?.text()?;
        if said.contains(&all) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the nodes are not ready: {said}");
        thread::sleep(POLL);
    }
}

/// Publishes an offer by the command line; gives its partition and id as they stand in a path.
fn publish(folder: &Path, service: &str, partition: &str) -> anyhow::Result<String> {
    let (metadata, offer) = (Uuid::new_v4(), Uuid::new_v4());
    let post = |arguments: &[&str], record: Value| -> anyhow::Result<()> {
        let mut command = swgr(folder)?;
        command
            .args(arguments)
            .env("OFFER_STORE_HTTP_BASE_URL", service)
            .env("OFFER_STORE_HTTP_AUTHORIZATION", "offer.token");
        process::output(command, &record.to_string(), folder, PATIENCE).map(drop)
    };
    post(
        &["offer", "metadata", "post"],
        json!({
            "id": metadata,
            "partition": partition,
            "text": TEXT,
            "longText": "Zwei Tassen.\nZwei Stück.",
            "image": {"png": PNG},
            "identifier": {"text": "kaffee@example.com"},
        }),
    )?;
    post(
        &["offer", "post"],
        json!({
            "partition": partition,
            "id": offer,
            "minSendable": 1_000,
            "maxSendable": 100_000_000,
            "metadataId": metadata,
            "timestamp": "2025-01-01T00:00:00Z",
        }),
    )?;
    Ok(format!("{partition}/{offer}"))
}

/// What stands in the world of an offer: its LNURL, and the metadata behind it.
fn look(web: &Client, url: &str) -> anyhow::Result<Offer> {
    let get = |url: &str| web.get(url).send()?.error_for_status();
    let lnurl = get(&format!("{url}/bech32"))?.text()?;
    let offer: Value = get(url)?.json()?;
    let text = |key: &str| -> anyhow::Result<String> {
        let text = offer[key].as_str();
        Ok(text
            .with_context(|| format!("no {key}: {offer}"))?
            .to_owned())
    };
    Ok(Offer {
        lnurl,
        metadata: text("metadata")?,
        callback: text("callback")?,
    })
}

/// The comment chooses the node: whoever sends the same one must get an invoice of the same node.
const LNURL: &str = r#"
lnurl-service:
  address: "127.0.0.1:0"
  tls: { cert-path: "localhost.pem", key-path: "localhost-key.pem" }
  allowed-hosts: ["localhost"]
  partitions: ["default", "empty"]
  comment-allowed: 120
  backend-selection: consistent
  backoff: { type: stop }
"#;

const OTHERS: &str = r#"
discovery-service:
  address: "127.0.0.1:0"
  auth-authority: "discovery-public.pem"
offer-service:
  address: "127.0.0.1:0"
  auth-authority: "offer-public.pem"
store:
  discover: { type: database, database-url: "sqlite://swgr.db?mode=rwc" }
  offer: { type: database, database-url: "sqlite://swgr.db?mode=rwc" }
"#;
