//! The server as a process of its own, and its command line.

mod certificates;
mod options;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::certificates::Certificates;
use crate::{Door, Process, Signal, client};

/// Many times what its start or its end takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The public one.
    Lnurl,
    /// The administration of nodes.
    Discovery,
    /// The administration of offers.
    Offer,
}

impl Service {
    const ALL: [Self; 3] = [Self::Lnurl, Self::Discovery, Self::Offer];

    const fn name(self) -> &'static str {
        match self {
            Self::Lnurl => "lnurl",
            Self::Discovery => "discovery",
            Self::Offer => "offer",
        }
    }
}

/// How a server is set up: with SQLite, and all else as it is by default.
#[derive(Debug, Clone)]
pub struct SwgrOptions {
    has_tls: bool,
    hosts: Vec<String>,
    lines: [Vec<String>; 3],
    stores: [String; 2],
    variables: Vec<(String, String)>,
}

/// A running `swgr service` with all three services, its keys and tokens in a temporary folder.
#[derive(Debug)]
pub struct Swgr {
    folder: TempDir,
    program: PathBuf,
    urls: [String; 3],
    certificates: Option<Certificates>,
    started_in: Duration,
    process: Mutex<Process>,
}

impl Swgr {
    /// Makes keys and tokens by its command line, writes a configuration of the fewest lines, and starts it.
    ///
    /// # Errors
    ///
    /// When the binary is not built, or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with more lines in the section of the LNURL service, such as `hedge-after-secs: 0.05`.
    ///
    /// # Errors
    ///
    /// When the binary is not built, does not know a line, or does not start.
    pub async fn start_with(lnurl: &[&str]) -> anyhow::Result<Self> {
        Self::start_as(&SwgrOptions::new().with_lines(Service::Lnurl, lnurl)).await
    }

    /// As [`Self::start`], set up as `options` say.
    ///
    /// # Errors
    ///
    /// When the binary is not built, does not know a line, or does not start.
    pub async fn start_as(options: &SwgrOptions) -> anyhow::Result<Self> {
        let program = program()?;
        let folder = TempDir::with_prefix("swgr-")?;
        for service in ["discovery", "offer"] {
            mint(&program, folder.path(), service).await?;
        }
        let certificates = options.has_tls.then(|| Certificates::new(folder.path()));
        let certificates = certificates.transpose()?;
        std::fs::write(folder.path().join("config.yaml"), options.yaml())?;
        let mut command = Command::new(&program);
        command
            .args(["service", "--config", "config.yaml"])
            .env_remove("RUST_LOG")
            .envs(options.variables.iter().cloned())
            .current_dir(folder.path());
        let started = Instant::now();
        let mut process = Process::spawn("swgr", command, &folder.path().join("swgr.log"))?;
        let mut urls = Vec::new();
        for service in Service::ALL {
            let text = format!("the {} service listens on ", service.name());
            let line = process.wait_for_line(&text, PATIENCE).await?;
            let (_, url) = line.split_once(&text).context("the line names no URL")?;
            urls.push(url.trim().to_owned());
        }
        let Ok(urls) = <[String; 3]>::try_from(urls) else {
            bail!("a service said no URL");
        };
        let mut swgr = Self {
            folder,
            program,
            urls,
            certificates,
            started_in: Duration::ZERO,
            process: Mutex::new(process),
        };
        let health = swgr.door(Service::Lnurl)?.get("/health").await?;
        ensure!(health.status == 200, "/health answered {health:?}");
        swgr.started_in = started.elapsed();
        Ok(swgr)
    }

    /// Where a service listens: `http://127.0.0.1:` or `https://127.0.0.1:`, and its port.
    #[must_use]
    pub fn url(&self, service: Service) -> &str {
        let [lnurl, discovery, offer] = &self.urls;
        match service {
            Service::Lnurl => lnurl,
            Service::Discovery => discovery,
            Service::Offer => offer,
        }
    }

    /// The way to a service for bytes of one's own.
    ///
    /// # Errors
    ///
    /// When its root certificate cannot be read.
    pub fn door(&self, service: Service) -> anyhow::Result<Door> {
        let (_, address) = self.url(service).split_once("://").context("no URL")?;
        let address = address.parse()?;
        match &self.certificates {
            Some(certificates) => Door::tls(address, &certificates.root()),
            None => Ok(Door::plain(address)),
        }
    }

    /// Puts a new key and a certificate of the same authority in the files of its listeners; gives the
    /// certificate in DER.
    ///
    /// # Errors
    ///
    /// When it has no TLS, or the files cannot be written.
    pub fn renew_certificate(&self) -> anyhow::Result<Vec<u8>> {
        let certificates = self.certificates.as_ref();
        certificates.context("it has no TLS")?.renew()
    }

    /// The folder with its configuration (`config.yaml`), its SQLite (`swgr.db`), the keys of each
    /// administered service (`discovery-public.pem`, `discovery-private.pem`, …), their tokens, and with TLS
    /// `server.pem`, `server-key.pem` and `root.pem`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// From its start as a process to its first answer to `/health`.
    #[must_use]
    pub const fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.lock().id()
    }

    /// The file with the administrator's token of a service: of discovery, or of offers.
    #[must_use]
    pub fn token(&self, service: Service) -> PathBuf {
        let file = format!("{}.token", service.name());
        self.folder.path().join(file)
    }

    /// What it has logged.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        self.process.lock().log().text()
    }

    /// Runs its command line with the administrator's tokens, `input` on its standard input, and gives its standard
    /// output.
    ///
    /// # Errors
    ///
    /// When it exits with another code than 0; holds its standard error.
    pub async fn cli(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path());
        for (service, variable) in [
            (Service::Discovery, "DISCOVERY_STORE_HTTP"),
            (Service::Offer, "OFFER_STORE_HTTP"),
        ] {
            command.env(format!("{variable}_BASE_URL"), self.url(service));
            let token = format!("{}.token", service.name());
            command.env(format!("{variable}_AUTHORIZATION"), token);
            if let Some(certificates) = &self.certificates {
                command.env(format!("{variable}_TRUSTED_ROOTS"), certificates.root());
            }
        }
        let asked = format!("swgr {}", arguments.join(" "));
        client::run(command, &asked, input, PATIENCE).await
    }

    /// Registers a node that is enabled, of weight 1, in partition `default`.
    ///
    /// # Errors
    ///
    /// When the command line refuses.
    pub async fn register(
        &self,
        name: &str,
        public_key: &str,
        url: &str,
        certificate: &Path,
        macaroon: &Path,
    ) -> anyhow::Result<()> {
        let backend = json!({
            "address": {"publicKey": public_key},
            "name": name,
            "partitions": ["default"],
            "weight": 1,
            "enabled": true,
            "implementation": {
                "type": "lndGrpc",
                "url": url,
                "auth": {"type": "path", "tlsCertPath": certificate, "macaroonPath": macaroon},
                "ampInvoice": false,
            },
        });
        self.post(&backend.to_string()).await
    }

    /// Registers the node that `backend` describes in JSON.
    ///
    /// # Errors
    ///
    /// When the command line refuses.
    pub async fn post(&self, backend: &str) -> anyhow::Result<()> {
        self.cli(&["discovery", "post"], backend).await.map(drop)
    }

    /// Publishes an offer of 1 to 1,000,000 sat with the metadata `text`, from the command line's own templates; gives
    /// its LNURL as a plain URL.
    ///
    /// # Errors
    ///
    /// When the command line refuses.
    pub async fn publish(&self, text: &str) -> anyhow::Result<String> {
        let metadata = self
            .cli(&["offer", "metadata", "new", "--text", text], "")
            .await?;
        self.cli(&["offer", "metadata", "post"], &metadata).await?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let id = metadata["id"].as_str().context("the metadata has no id")?;
        let offer = self.cli(&["offer", "new", "--metadata-id", id], "").await?;
        self.cli(&["offer", "post"], &offer).await?;
        let offer: Value = serde_json::from_str(&offer)?;
        let id = offer["id"].as_str().context("the offer has no id")?;
        Ok(format!("{}/offers/default/{id}", self.url(Service::Lnurl)))
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.process.lock().signal(signal)
    }

    /// Sends SIGTERM and waits for its end.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub async fn terminate(self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub async fn ended(self) -> anyhow::Result<ExitStatus> {
        self.process.into_inner().wait(PATIENCE).await
    }
}

/// The server's binary: beside this test's own folder, where cargo put it.
///
/// # Errors
///
/// When it is not built.
pub fn program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().nth(2).context("no target folder")?;
    let program = folder.join("swgr");
    ensure!(
        program.exists(),
        "{} is missing: build it by `cargo build --release -p swgr`",
        program.display()
    );
    Ok(program)
}

async fn mint(program: &Path, folder: &Path, service: &str) -> anyhow::Result<()> {
    let public = format!("{service}-public.pem");
    let private = format!("{service}-private.pem");
    let token = format!("{service}.token");
    let arguments = [
        service, "token", "mint-all", "-p", &public, "-k", &private, "-o", &token,
    ];
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir(folder);
    let asked = format!("swgr {}", arguments.join(" "));
    client::run(command, &asked, "", PATIENCE).await.map(drop)
}
