use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use switchgear_examples::Wallet;
use switchgear_http::auth::{Audience, SigningKey};
use switchgear_stores::http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig};
use switchgear_tests::{Process, SmallDisk, program};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::stores::Stores;

/// Many times what a start takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than the server allows any request.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(40);

/// `swgr` as a process of its own with all services over one database.
#[derive(Debug)]
pub(crate) struct Site {
    process: Process,
    addresses: [SocketAddr; 3],
    /// Its administration, as its remote clients have it.
    pub(crate) stores: Stores,
    wallet: Wallet,
    disk: Option<SmallDisk>,
    url: String,
    /// Last, so that it goes after the process that uses it.
    folder: TempDir,
}

/// What a payer who looks at an offer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The offer.
    Offer,
    /// That there is an error, as LUD-06 says.
    Error,
    /// Something else, or nothing within the time that the server allows itself.
    Nonsense(String),
}

impl Site {
    /// Starts it over the database at `url`.
    pub(crate) async fn start(url: &str) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("site-")?;
        Self::start_in(folder, url.to_owned(), None).await
    }

    /// Starts it over SQLite on a small disk; `None` where there can be none.
    pub(crate) async fn start_on_small_disk(mebibytes: u32) -> anyhow::Result<Option<Self>> {
        let folder = TempDir::with_prefix("site-")?;
        let Some(disk) = SmallDisk::mount_or_skip(folder.path(), mebibytes).await? else {
            return Ok(None);
        };
        let url = format!("sqlite://{}/store.db", disk.folder().display());
        Ok(Some(Self::start_in(folder, url, Some(disk)).await?))
    }

    async fn start_in(
        folder: TempDir,
        url: String,
        disk: Option<SmallDisk>,
    ) -> anyhow::Result<Self> {
        for audience in [Audience::Discovery, Audience::Offer] {
            mint(folder.path(), audience)?;
        }
        let any = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 3];
        let (process, addresses) = spawn(folder.path(), &url, any, disk.as_ref()).await?;
        let [_, discovery, offers] = addresses;
        let client = |address, audience: Audience| {
            let token = folder.path().join(format!("{}.token", audience.as_str()));
            let mut config = HttpStoreConfig::new(format!("http://{address}").parse()?, token);
            config.total_timeout = CLIENT_TIMEOUT;
            anyhow::Ok(config)
        };
        let discovery = HttpDiscoveryStore::try_new(client(discovery, Audience::Discovery)?)?;
        let offers = HttpOfferStore::try_new(client(offers, Audience::Offer)?)?;
        Ok(Self {
            process,
            addresses,
            stores: Stores::new(Arc::new(discovery), Arc::new(offers)),
            wallet: Wallet::new(),
            disk,
            url,
            folder,
        })
    }

    /// The small disk that it is on.
    pub(crate) fn disk(&self) -> anyhow::Result<&SmallDisk> {
        self.disk.as_ref().context("it is on no small disk")
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        ensure!(self.process.is_running()?, "it has ended by itself");
        self.process.kill().map(drop)
    }

    /// Starts it again where it was; gives how long that took, until it serves from its store.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<Duration> {
        let start = Instant::now();
        (self.process, _) = spawn(
            self.folder.path(),
            &self.url,
            self.addresses,
            self.disk.as_ref(),
        )
        .await?;
        self.stores.backends.snapshot(None).await?;
        Ok(start.elapsed())
    }

    /// Looks at an offer as a payer does.
    pub(crate) async fn look(&self, offer: Uuid) -> Shown {
        let [lnurl, ..] = self.addresses;
        let url = format!("http://{lnurl}/offers/default/{offer}");
        let answer = match timeout(CLIENT_TIMEOUT, self.wallet.text(&url)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Shown::Nonsense(format!("{error:#}")),
            Err(_) => return Shown::Nonsense("no answer".to_owned()),
        };
        let (status, body) = answer;
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if status.is_success() && json["tag"] == "payRequest" {
            Shown::Offer
        } else if json["status"] == "ERROR" && json["reason"].is_string() {
            Shown::Error
        } else {
            Shown::Nonsense(format!("{status}: {body}"))
        }
    }

    /// What all its processes have written, those that were killed too.
    fn log(&self) -> anyhow::Result<String> {
        let log = fs::read(self.process.log().path()).context("the log cannot be read")?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// Writes a line in its log, as a process would.
    pub(crate) fn say_in_log(&self, line: &str) -> anyhow::Result<()> {
        let mut log = OpenOptions::new()
            .append(true)
            .open(self.process.log().path())?;
        Ok(writeln!(log, "{line}")?)
    }

    /// How many migrations each of its processes ran that ran any.
    pub(crate) fn migrations(&self) -> anyhow::Result<Vec<u64>> {
        const SAID: &str = "the database's tables were brought up to date: ";
        let log = self.log()?;
        let said = log.lines().filter_map(|line| line.split_once(SAID));
        said.map(|(_, rest)| {
            let number = rest.split(' ').next().unwrap_or_default();
            number.parse().with_context(|| format!("how many? {rest}"))
        })
        .collect()
    }

    /// How many panics of any of its processes the log tells of.
    pub(crate) fn panics(&self) -> anyhow::Result<usize> {
        let log = self.log()?;
        Ok(log.lines().filter(|line| line.contains("panicked")).count())
    }

    /// Whether the log holds a password.
    pub(crate) fn tells_secrets(&self) -> anyhow::Result<bool> {
        let log = self.log()?;
        Ok(["canary", "w%2Frd", "w/rd"]
            .iter()
            .any(|secret| log.contains(secret)))
    }
}

fn mint(folder: &Path, audience: Audience) -> anyhow::Result<()> {
    let keys = SigningKey::generate()?;
    let name = audience.as_str();
    fs::write(folder.join(format!("{name}-public.pem")), &keys.public_pem)?;
    // Longer than the longest test.
    let life = Duration::from_secs(36_000);
    let key = SigningKey::from_pem(keys.private_pem.as_bytes())?;
    let token = key.mint(audience, life, SystemTime::now())?;
    Ok(fs::write(folder.join(format!("{name}.token")), token)?)
}

/// With whole paths: who enters a small disk's namespace does so at its root.
fn config(folder: &Path, url: &str, addresses: [SocketAddr; 3]) -> String {
    let [lnurl, discovery, offer] = addresses;
    let folder = folder.display();
    let database = format!("{{ type: database, database-url: \"{url}\" }}");
    format!(
        "lnurl-service:\n  address: \"{lnurl}\"\n  allowed-hosts: [\"127.0.0.1\"]\n\
         discovery-service:\n  address: \"{discovery}\"\n  \
         auth-authority: \"{folder}/discovery-public.pem\"\n\
         offer-service:\n  address: \"{offer}\"\n  auth-authority: \"{folder}/offer-public.pem\"\n\
         store:\n  discover: {database}\n  offer: {database}\n"
    )
}

/// Runs it at these addresses; gives where it listens.
async fn spawn(
    folder: &Path,
    url: &str,
    addresses: [SocketAddr; 3],
    disk: Option<&SmallDisk>,
) -> anyhow::Result<(Process, [SocketAddr; 3])> {
    let file = folder.join("config.yaml");
    fs::write(&file, config(folder, url, addresses))?;
    let mut command = match disk {
        Some(disk) => disk.command(&[], &program()?)?,
        None => Command::new(program()?),
    };
    command
        .args(["service", "--config"])
        .arg(&file)
        .env_remove("RUST_LOG")
        .current_dir(folder);
    let mut process = Process::spawn("swgr", command, &folder.join("swgr.log"))?;
    let mut found = addresses;
    for (service, address) in ["lnurl", "discovery", "offer"].iter().zip(&mut found) {
        let said = format!("the {service} service listens on http://");
        let line = process.wait_for_line(&said, PATIENCE).await?;
        let (_, text) = line.split_once(&said).context("the line names no URL")?;
        *address = text.trim().parse()?;
    }
    Ok((process, found))
}
