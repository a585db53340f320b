//! A database server in a temporary folder.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use parking_lot::Mutex;
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

use super::{
    Authority, Database, DatabaseKind, SmallDisk, account::Account, authority::ServerFiles,
    broom::Broom, mariadb, postgres,
};
use crate::{Process, Signal, client, eventually, free_port, programs::present_or_said};

/// Many times what a start or a stop takes; a recovery after a kill is longer than either.
const PATIENCE: Duration = Duration::from_secs(60);

/// For SQL: a million rows take their time.
const SQL_PATIENCE: Duration = Duration::from_secs(600);

/// How a server is set up.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Whether it offers TLS.
    pub has_tls: bool,
    /// Whether it waits for its disk at each commit, as in production; the quicker other way is enough
    /// where nothing is killed.
    pub is_durable: bool,
    /// The size of its own disk in MiB, where that is small.
    pub disk_mebibytes: Option<u32>,
}

impl ServerOptions {
    /// With TLS, and as quick as can be.
    pub const QUICK: Self = Self {
        has_tls: true,
        is_durable: false,
        disk_mebibytes: None,
    };

    /// With TLS, and every commit on its disk.
    pub const DURABLE: Self = Self {
        is_durable: true,
        ..Self::QUICK
    };
}

/// A PostgreSQL or MariaDB of its own, on loopback, with TLS and a password. Dropping it kills it, also while
/// it is frozen, and removes its files.
#[derive(Debug)]
pub struct DatabaseServer {
    process: Mutex<Option<Process>>,
    /// The processes that are stopped, the first of them last.
    frozen: Mutex<Vec<Pid>>,
    kind: DatabaseKind,
    layout: Layout,
    programs: Programs,
    account: Account,
    authority: Authority,
    databases: AtomicU32,
    // Dropped after the server itself, the folder last.
    disk: Option<SmallDisk>,
    _broom: Broom,
    _folder: TempDir,
}

/// Where a server's files lie.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) folder: PathBuf,
    pub(super) data: PathBuf,
    pub(super) port: u16,
    pub(super) options: ServerOptions,
    pub(super) server_files: ServerFiles,
}

/// The programs of a kind of server, with their arguments.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) install: (PathBuf, Vec<OsString>),
    pub(super) serve: (PathBuf, Vec<OsString>),
    pub(super) client: PathBuf,
}

impl DatabaseServer {
    /// Installs and starts one, where its programs are at hand; otherwise says what is missing and returns `None`,
    /// or fails under `CI=true`.
    ///
    /// # Errors
    ///
    /// When it does not start; holds the end of its log.
    pub async fn start_or_skip(
        kind: DatabaseKind,
        options: ServerOptions,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        if !present_or_said(kind.name(), kind.programs())? {
            return Ok(None);
        }
        let Some(server) = Self::install(kind, options).await? else {
            return Ok(None);
        };
        server.start().await?;
        let users = match kind {
            DatabaseKind::Postgres => postgres::create_users(Database::PASSWORD),
            DatabaseKind::MariaDb => mariadb::create_users(Database::PASSWORD),
        };
        server.sql(None, &users).await?;
        Ok(Some(Arc::new(server)))
    }

    async fn install(kind: DatabaseKind, options: ServerOptions) -> anyhow::Result<Option<Self>> {
        let account = Account::for_servers();
        let temporary = TempDir::with_prefix("swgr-database-")?;
        let folder = temporary.path().to_owned();
        let disk = match options.disk_mebibytes {
            None => None,
            Some(size) => match SmallDisk::mount_or_skip(&folder, size).await? {
                Some(disk) => Some(disk),
                None => return Ok(None),
            },
        };
        let (authority, server_files) = Authority::with_server(&folder)?;
        account.own(&server_files.key, 0o600)?;
        account.own(&folder, 0o755)?;
        let data = disk.as_ref().map_or(folder.as_path(), SmallDisk::folder);
        let layout = Layout {
            data: data.join("data"),
            port: free_port()?,
            folder,
            options,
            server_files,
        };
        let programs = match kind {
            DatabaseKind::Postgres => postgres::programs(&layout)?,
            DatabaseKind::MariaDb => mariadb::programs(&layout)?,
        };
        if kind == DatabaseKind::Postgres {
            postgres::prepare(&layout)?;
        }
        let server = Self {
            process: Mutex::new(None),
            frozen: Mutex::default(),
            kind,
            programs,
            account,
            authority,
            databases: AtomicU32::new(0),
            disk,
            _broom: Broom::over(&layout.folder)?,
            _folder: temporary,
            layout,
        };
        let mut install = server.spawn("install", &server.programs.install)?;
        let status = install.wait(PATIENCE).await?;
        ensure!(status.success(), "{}", install.log().text()?);
        Ok(Some(server))
    }

    fn spawn(
        &self,
        name: &str,
        (program, arguments): &(PathBuf, Vec<OsString>),
    ) -> anyhow::Result<Process> {
        let mut command = match &self.disk {
            Some(disk) => disk.command(&self.account.nsenter_arguments(), program)?,
            None => {
                let mut command = Command::new(program);
                self.account.take(&mut command);
                command
            }
        };
        command.args(arguments).current_dir(&self.layout.folder);
        let log = self.layout.folder.join(format!("{name}.log"));
        Process::spawn(&format!("{} ({name})", self.kind.name()), command, &log)
    }

    /// Which program it is.
    #[must_use]
    pub const fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// The port on 127.0.0.1; the same all its life.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.layout.port
    }

    /// Who signed its certificate, which is for `localhost`.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Its own small disk, if it has one.
    #[must_use]
    pub const fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// Its folder, for the files of who uses it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.layout.folder
    }

    /// Makes a new database.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub async fn create_database(self: &Arc<Self>) -> anyhow::Result<Database> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        let (create, within) = match self.kind {
            DatabaseKind::Postgres => postgres::create_database(&name),
            DatabaseKind::MariaDb => mariadb::create_database(&name),
        };
        self.sql(None, &create).await?;
        self.sql(Some(&name), &within).await?;
        Ok(Database::new(self, name))
    }

    /// Runs SQL as the administrator through its own client, and gives what it prints.
    ///
    /// # Errors
    ///
    /// When a statement fails; holds the server's words.
    pub async fn sql(&self, database: Option<&str>, statements: &str) -> anyhow::Result<String> {
        let arguments = match self.kind {
            DatabaseKind::Postgres => postgres::client(&self.layout, database),
            DatabaseKind::MariaDb => mariadb::client(&self.layout, database),
        };
        let mut command = tokio::process::Command::new(&self.programs.client);
        command.args(arguments);
        client::run(command, "SQL", statements, SQL_PATIENCE).await
    }

    /// Starts it and waits until it answers; harmless when it runs.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub async fn start(&self) -> anyhow::Result<()> {
        eventually("the database's start", PATIENCE, async || {
            if !self.is_running()? {
                // What a killed one has left may be in the way for a moment.
                let process = self.spawn("server", &self.programs.serve)?;
                *self.process.lock() = Some(process);
            }
            Ok(self.sql(None, "SELECT 1;").await.ok().map(drop))
        })
        .await
        .with_context(|| self.log_tail())
    }

    fn is_running(&self) -> anyhow::Result<bool> {
        match &mut *self.process.lock() {
            Some(process) => process.is_running(),
            None => Ok(false),
        }
    }

    /// Shuts it down in order, without waiting for its clients.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let mut process = self.take()?;
        process.signal(match self.kind {
            DatabaseKind::Postgres => Signal::INT,
            DatabaseKind::MariaDb => Signal::TERM,
        })?;
        process.wait(PATIENCE).await.map(drop)
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.take()?.kill().map(drop)
    }

    fn take(&self) -> anyhow::Result<Process> {
        let process = self.process.lock().take();
        process.context("the database does not run")
    }

    /// Stops all its processes with SIGSTOP: connections are accepted, and nothing is answered.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        let mut process = self.process.lock();
        let process = process.as_mut().context("the database does not run")?;
        // The first, so that no more are made meanwhile.
        process.freeze()?;
        let mut frozen = self.frozen.lock();
        for child in children(process.id())? {
            // One that has ended stands still as well.
            if kill_process(child, Signal::STOP).is_ok() {
                frozen.push(child);
            }
        }
        Ok(())
    }

    /// Lets a frozen one go on.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        for child in self.frozen.lock().drain(..) {
            let _ = kill_process(child, Signal::CONT);
        }
        match &mut *self.process.lock() {
            Some(process) => process.thaw(),
            None => bail!("the database does not run"),
        }
    }

    fn log_tail(&self) -> String {
        let process = self.process.lock();
        let tail = process.as_ref().map(|process| process.log().tail());
        format!("{}: {}", self.kind.name(), tail.unwrap_or_default())
    }
}

impl Drop for DatabaseServer {
    /// What stands still hears of no other end than this, and outlives the process that started it.
    fn drop(&mut self) {
        // The children first: as long as the first process stands still, it gives none of their ids away.
        for child in self.frozen.get_mut().drain(..) {
            let _ = kill_process(child, Signal::KILL);
        }
        // Then the server, before its files go.
        drop(self.process.get_mut().take());
    }
}

/// The processes that `parent` has started.
fn children(parent: u32) -> anyhow::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{parent}/task"))? {
        let list = std::fs::read_to_string(task?.path().join("children"))?;
        for id in list.split_whitespace() {
            children.extend(Pid::from_raw(id.parse()?));
        }
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `None` when it is gone, or has ended and waits for nobody but its parent.
    fn state(process: Pid) -> Option<String> {
        let path = format!("/proc/{}/stat", process.as_raw_nonzero());
        let text = std::fs::read_to_string(path).ok()?;
        let (_, rest) = text.rsplit_once(") ")?;
        rest.get(..1)
            .filter(|state| *state != "Z")
            .map(str::to_owned)
    }

    #[tokio::test]
    async fn a_frozen_server_that_is_dropped_leaves_no_process() -> anyhow::Result<()> {
        let (kind, options) = (DatabaseKind::Postgres, ServerOptions::QUICK);
        let Some(server) = DatabaseServer::start_or_skip(kind, options).await? else {
            return Ok(());
        };
        server.freeze()?;
        let frozen = server.frozen.lock().clone();
        eventually("the children to stand still", PATIENCE, async || {
            let mut states = frozen.iter().map(|child| state(*child));
            Ok(states
                .all(|state| state.as_deref() == Some("T"))
                .then_some(()))
        })
        .await?;
        assert!(!frozen.is_empty(), "it has no children");
        drop(server);
        eventually("the children's end", Duration::from_secs(10), async || {
            let is_over = frozen.iter().all(|child| state(*child).is_none());
            Ok(is_over.then_some(()))
        })
        .await
    }
}
