//! How an LND starts, stands still, dies, locks and comes back.

use std::path::Path;

use anyhow::ensure;
use parking_lot::Mutex;
use rustix::process::Signal;

use super::{Btcd, Lnd, NodeBinaries, PATIENCE, Program, program::Wallet, text};
use crate::eventually;

/// What LND logs just before it starts its services.
const CHAIN_IS_SYNCED: &str = "Chain backend is fully synced";

/// What LND logs when it waits for somebody to unlock it.
const WALLET_IS_LOCKED: &str = "Waiting for wallet encryption password";

impl Lnd {
    /// Stops it with SIGSTOP; returns once it stands still. Its port goes on accepting connections.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.process.lock().freeze()
    }

    /// Lets it go on with SIGCONT.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.process.lock().thaw()
    }

    /// Kills it with SIGKILL; returns once it is gone and its port refuses.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.process.lock().kill()?;
        Ok(())
    }

    /// Asks it to shut down, with SIGTERM; returns once it has, which it does in its own good time.
    ///
    /// # Errors
    ///
    /// When it has ended before, or does not end in time, or says that it failed.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.process.lock().signal(Signal::TERM)?;
        let status = eventually("its shutdown", PATIENCE, async || {
            self.process.lock().exit_status()
        })
        .await?;
        ensure!(status.success(), "{} ended with {status}", self.name());
        Ok(())
    }

    /// Starts it again on the same ports and files, killing it first if it runs, and waits until it is synced.
    ///
    /// Its channels come back once its peers are connected: see [`crate::Regtest::wait_for_channel`].
    ///
    /// # Errors
    ///
    /// When it does not come up; the error shows the end of its log.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let has_password = self.program.password_file().exists();
        self.respawn(if has_password {
            Wallet::OpensItself
        } else {
            Wallet::Open
        })?;
        self.wait_until_ready().await
    }

    /// As [`Lnd::restart`], but with the wallet locked: it answers calls only to say so, until [`Lnd::unlock`].
    ///
    /// # Errors
    ///
    /// When it does not come up; the error shows the end of its log.
    pub async fn restart_locked(&self) -> anyhow::Result<()> {
        self.respawn(Wallet::Locked)?;
        self.wait_for_line("a locked wallet", WALLET_IS_LOCKED)
            .await?;
        self.wait_for_state("LOCKED").await
    }

    /// Starts it in a folder of its own below `folder`, and waits until it is synced.
    pub(in crate::regtest) async fn start(
        binaries: &NodeBinaries,
        name: &str,
        folder: &Path,
        btcd: &Btcd,
    ) -> anyhow::Result<Self> {
        let program = Program::new(binaries, name, folder, btcd)?;
        let process = program.spawn(Wallet::Open)?;
        let mut node = Self {
            program,
            lncli: binaries.program("lncli"),
            public_key: String::new(),
            process: Mutex::new(process),
        };
        node.wait_until_ready().await?;
        node.public_key = text(&node.lncli(&["getinfo"]).await?, "identity_pubkey")?;
        Ok(node)
    }

    fn respawn(&self, wallet: Wallet) -> anyhow::Result<()> {
        let mut process = self.process.lock();
        process.kill()?;
        *process = self.program.spawn(wallet)?;
        Ok(())
    }

    /// Until its services run and it has seen the whole chain.
    pub(super) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        // Opening the wallet takes seconds of every core there is, so until then looking must cost next to nothing.
        self.wait_for_line("its wallet and its chain", CHAIN_IS_SYNCED)
            .await?;
        self.wait_for_state("SERVER_ACTIVE").await?;
        self.eventually("the chain's tip", async || {
            Ok(self.lncli(&["getinfo"]).await?["synced_to_chain"] == true)
        })
        .await
    }

    async fn wait_for_line(&self, what: &str, line: &str) -> anyhow::Result<()> {
        let log = self.process.lock().log().clone();
        self.eventually(what, async || Ok(log.line_with(line)?.is_some()))
            .await
    }

    async fn wait_for_state(&self, state: &str) -> anyhow::Result<()> {
        self.eventually(&format!("the state {state}"), async || {
            Ok(self.lncli(&["state"]).await?["state"] == state)
        })
        .await
    }
}
