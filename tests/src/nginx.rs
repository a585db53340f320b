//! An nginx in front of something.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{
    Process, eventually, free_port,
    programs::{present_or_said, program},
};

/// Many times what its start takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An nginx of its own on loopback, in plain HTTP, with its files in a temporary folder. Dropping it kills it and
/// removes them.
///
/// ```no_run
/// # async fn example() -> anyhow::Result<()> {
/// use switchgear_tests::Nginx;
///
/// // Relative paths lie in its folder.
/// let http = "proxy_cache_path cache keys_zone=all:1m;";
/// let server = "location / { proxy_pass http://127.0.0.1:8080; proxy_cache all; }";
/// let Some(nginx) = Nginx::start_or_skip(http, server).await? else {
///     return Ok(()); // nginx is missing on this machine, and it was said so
/// };
/// println!("ask {}", nginx.address());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    process: Process,
    // Dropped after the process.
    folder: TempDir,
}

impl Nginx {
    /// Starts one, where it is at hand; otherwise says that it is missing and returns `None`, or fails under
    /// `CI=true`.
    ///
    /// `http` are lines for the section `http`, `server` for its only `server`, which listens already.
    ///
    /// # Errors
    ///
    /// When it does not start; holds the end of its log.
    pub async fn start_or_skip(http: &str, server: &str) -> anyhow::Result<Option<Self>> {
        if !present_or_said("behind nginx", &["nginx"])? {
            return Ok(None);
        }
        match Self::start(http, server).await {
            // Somebody may have taken the port between.
            Err(_) => Self::start(http, server).await.map(Some),
            started => started.map(Some),
        }
    }

    async fn start(http: &str, server: &str) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("nginx-")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        std::fs::write(
            folder.path().join("nginx.conf"),
            config(address, http, server),
        )?;
        let mut process = Process::spawn(
            "nginx",
            command(folder.path())?,
            &folder.path().join("nginx.log"),
        )?;
        process
            .wait_for("its port", PATIENCE, async || {
                Ok(TcpStream::connect(address).await.ok().map(drop))
            })
            .await?;
        Ok(Self {
            address,
            process,
            folder,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has said: mistakes in its configuration, backends that it did not reach.
    ///
    /// # Errors
    ///
    /// When its log cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        self.process.log().text()
    }

    /// The requests that it was asked, a line each in the common form, and in the order in which they ended; waits
    /// until there are so many.
    ///
    /// # Errors
    ///
    /// When there are not so many in time.
    pub async fn requests(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let path = self.folder.path().join("access.log");
        eventually("requests in nginx's log", PATIENCE, async || {
            let text = std::fs::read_to_string(&path).context("nginx keeps no access log")?;
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            Ok((lines.len() >= count).then_some(lines))
        })
        .await
    }
}

fn command(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program("nginx")?);
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "stderr"])
        .current_dir(folder);
    Ok(command)
}

/// In one process, so that its kill leaves no worker behind; and all that it writes lies in its folder.
fn config(address: SocketAddr, http: &str, server: &str) -> String {
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {kind};\n"))
        .collect();
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {{ worker_connections 4096; }}
http {{
  access_log access.log;
{folders}{http}
  server {{
    listen {address};
{server}
  }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn answers_as_it_is_configured_and_logs_it() -> anyhow::Result<()> {
        let server = "location / { return 200 \"hello\"; }";
        let Some(nginx) = Nginx::start_or_skip("", server).await? else {
            return Ok(());
        };
        let mut socket = TcpStream::connect(nginx.address()).await?;
        let request = b"GET /x HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
        let requests = nginx.requests(1).await?;
        assert!(
            requests[0].contains("\"GET /x HTTP/1.1\" 200"),
            "{requests:?}"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_mistake_in_its_configuration_is_told() -> anyhow::Result<()> {
        match Nginx::start_or_skip("", "nonsense on;").await {
            Ok(None) => {}
            Ok(Some(nginx)) => panic!("it started: {}", nginx.log()?),
            Err(error) => assert!(format!("{error:#}").contains("\"nonsense\""), "{error:#}"),
        }
        Ok(())
    }
}
