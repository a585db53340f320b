use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use serde_json::Value;
use switchgear_examples::Wallet;
use switchgear_http::auth::{Audience, SigningKey};
use switchgear_stores::sqlite::{SqliteConfig, SqliteStore};
use switchgear_tests::{Process, eventually};
use tempfile::TempDir;

use crate::stage::PATIENCE;

/// How long the LNURL service waits for a remote store's answer.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// The LNURL service of one `swgr`, and its two stores as services of two others.
pub(crate) struct Apart {
    pub(crate) discovery: Remote,
    pub(crate) offers: Remote,
    front: Process,
    url: String,
    http: Wallet,
    /// Last, so that it goes after the processes that use it.
    folder: TempDir,
}

/// How a store goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Its process is gone: connections are refused.
    Killed,
    /// Its process stands still: connections are accepted, and no answer comes.
    Frozen,
}

impl Apart {
    /// Starts all three, with empty stores that `fill` may fill first.
    pub(crate) async fn start(
        fill: impl AsyncFnOnce(&SqliteStore, &SqliteStore) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("apart-")?;
        let (backends, offers) = (Audience::Discovery, Audience::Offer);
        fill(
            &database(folder.path(), backends).await?,
            &database(folder.path(), offers).await?,
        )
        .await?;
        let discovery = Remote::start(folder.path(), backends).await?;
        let offers = Remote::start(folder.path(), offers).await?;
        let config = front_config(discovery.address, offers.address);
        fs::write(folder.path().join("front.yaml"), config)?;
        let (front, address) = spawn(folder.path(), "front", "lnurl").await?;
        Ok(Self {
            discovery,
            offers,
            front,
            url: format!("http://{address}"),
            http: Wallet::new(),
            folder,
        })
    }

    /// Where the LNURL service answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The database of a store, beside its service: where another instance makes changes.
    pub(crate) async fn database(&self, store: Audience) -> anyhow::Result<SqliteStore> {
        database(self.folder.path(), store).await
    }

    /// Waits until so many nodes are ready.
    pub(crate) async fn ready(&self, nodes: usize) -> anyhow::Result<()> {
        eventually("ready nodes", PATIENCE, async || {
            let (_, health) = self.health().await?;
            Ok((health["partitions"][0]["ready"] == nodes).then_some(()))
        })
        .await
        .with_context(|| format!("{nodes} nodes are not ready"))
    }

    /// The status and the body of the LNURL service's `/health/full`.
    pub(crate) async fn health(&self) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/health/full", self.url);
        let (status, body) = self.http.text(&url).await?;
        Ok((status.as_u16(), serde_json::from_str(&body)?))
    }

    /// How many lines of the LNURL service's log hold `text`.
    pub(crate) fn logged(&self, text: &str) -> anyhow::Result<usize> {
        let log = self.front.log().text()?;
        Ok(log.lines().filter(|line| line.contains(text)).count())
    }
}

/// A store's own `swgr`: the service of discovery or of offers, over SQLite.
pub(crate) struct Remote {
    folder: PathBuf,
    store: Audience,
    address: SocketAddr,
    process: Process,
}

impl Remote {
    async fn start(folder: &Path, store: Audience) -> anyhow::Result<Self> {
        let keys = SigningKey::generate()?;
        let name = store.as_str();
        fs::write(folder.join(format!("{name}-public.pem")), &keys.public_pem)?;
        // Longer than the longest outage.
        let life = Duration::from_secs(7_200);
        let token = SigningKey::from_pem(keys.private_pem.as_bytes())?.mint(
            store,
            life,
            SystemTime::now(),
        )?;
        fs::write(folder.join(format!("{name}.token")), token)?;
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        let (process, address) = Self::run(folder, store, any_port).await?;
        Ok(Self {
            folder: folder.to_owned(),
            store,
            address,
            process,
        })
    }

    async fn run(
        folder: &Path,
        store: Audience,
        address: SocketAddr,
    ) -> anyhow::Result<(Process, SocketAddr)> {
        let name = store.as_str();
        let config = store_config(name, address);
        fs::write(folder.join(format!("{name}.yaml")), config)?;
        spawn(folder, name, name).await
    }

    /// How many lines of its log hold `text`.
    pub(crate) fn logged(&self, text: &str) -> anyhow::Result<usize> {
        let log = self.process.log().text()?;
        Ok(log.lines().filter(|line| line.contains(text)).count())
    }

    /// Goes away.
    pub(crate) fn strike(&mut self, outage: Outage) -> anyhow::Result<()> {
        match outage {
            Outage::Killed => self.process.kill().map(drop),
            Outage::Frozen => self.process.freeze(),
        }
    }

    /// Comes back on its port, and answers once this returns.
    pub(crate) async fn return_from(&mut self, outage: Outage) -> anyhow::Result<()> {
        match outage {
            Outage::Killed => {
                (self.process, _) = Self::run(&self.folder, self.store, self.address).await?;
            }
            Outage::Frozen => self.process.thaw()?,
        }
        let url = format!("http://{}/health", self.address);
        let (status, body) = Wallet::new().text(&url).await?;
        anyhow::ensure!(status.is_success(), "{status}: {body}");
        Ok(())
    }
}

async fn database(folder: &Path, store: Audience) -> anyhow::Result<SqliteStore> {
    let file = folder.join(format!("{}.db", store.as_str()));
    let config = SqliteConfig::new(format!("sqlite://{}", file.display()));
    Ok(SqliteStore::connect(config).await?)
}

fn front_config(discovery: SocketAddr, offers: SocketAddr) -> String {
    let seconds = STORE_TIMEOUT.as_secs();
    let remote = |address, name: &str| {
        format!(
            "{{ type: http, base-url: \"http://{address}\", authorization: \"{name}.token\", \
             total-timeout-secs: {seconds} }}"
        )
    };
    format!(
        "lnurl-service:\n  address: \"127.0.0.1:0\"\n  allowed-hosts: [\"127.0.0.1\"]\n\
         store:\n  discover: {}\n  offer: {}\n",
        remote(discovery, Audience::Discovery.as_str()),
        remote(offers, Audience::Offer.as_str()),
    )
}

fn store_config(name: &str, address: SocketAddr) -> String {
    let database = format!("{{ type: database, database-url: \"sqlite://{name}.db\" }}");
    format!(
        "{name}-service:\n  address: \"{address}\"\n  auth-authority: \"{name}-public.pem\"\n\
         store:\n  discover: {database}\n  offer: {database}\n"
    )
}

/// Runs one service by the configuration `name`.yaml; gives where it listens.
async fn spawn(folder: &Path, name: &str, service: &str) -> anyhow::Result<(Process, SocketAddr)> {
    let mut command = Command::new(switchgear_tests::program()?);
    command
        .args(["service", "--config", &format!("{name}.yaml"), service])
        .env_remove("RUST_LOG")
        .current_dir(folder);
    let log = folder.join(format!("{name}.log"));
    let mut process = Process::spawn(name, command, &log)?;
    let said = format!("the {service} service listens on http://");
    let line = process.wait_for_line(&said, PATIENCE).await?;
    let (_, address) = line.split_once(&said).context("the line names no URL")?;
    Ok((process, address.trim().parse()?))
}
