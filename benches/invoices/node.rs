//! A simulated node in a process of its own.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, ExitCode, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use switchgear_core::backend::Backend;
use switchgear_ln::sim::{SimCertificate, SimNode, SimNodeConfig};
use tempfile::TempDir;

use super::Failure;
use crate::fleet::partition;

/// What makes this program a node.
pub const NODE: &str = "node";

/// A node, which ends with this value.
#[derive(Debug)]
pub struct Node {
    process: Child,
    /// What a balancer knows of it.
    pub backend: Backend,
    _directory: TempDir,
}

impl Node {
    /// Starts this program once more, as a node.
    pub fn start() -> Result<Self, Failure> {
        let directory = TempDir::new()?;
        let mut process = Command::new(env::current_exe()?)
            .arg(NODE)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = process.stdout.take().ok_or("the node has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self {
            backend: serde_json::from_str(&line)?,
            process,
            _directory: directory,
        })
    }

    /// Stops its process where it is: the kernel goes on taking connections and bytes.
    pub fn freeze(&self) -> io::Result<()> {
        let process = Pid::from_child(&self.process);
        Ok(kill_process(process, Signal::STOP)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is a node, until the standard input ends, as it does when the process that started this one does.
pub fn serve_node(directory: &str) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (node, line) = runtime.block_on(start(directory))?;
    writeln!(io::stdout(), "{line}")?;
    let input_ends =
        async { tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await };
    runtime.block_on(input_ends)??;
    drop(node);
    Ok(ExitCode::SUCCESS)
}

async fn start(directory: &str) -> Result<(SimNode, String), Failure> {
    let node = SimNode::start(SimNodeConfig::new("node", directory)).await?;
    present_plain_certificate(&node)?;
    let backend = node.backend([partition(0)]);
    Ok((node, serde_json::to_string(&backend)?))
}

/// LND marks its certificate as an authority's, which only a client that pins it accepts; the bare
/// client of this bench does not.
fn present_plain_certificate(node: &SimNode) -> Result<(), Failure> {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let certified = rcgen::generate_simple_self_signed(names)?;
    let chain = certified.cert.pem();
    let key = certified.signing_key.serialize_pem();
    node.present(SimCertificate::from_pem(&chain, &key)?);
    fs::write(node.tls_cert_path(), chain)?;
    Ok(())
}
