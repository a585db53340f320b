//! How an LND is started, again and again.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use crate::{
    Process, free_port,
    regtest::{
        NodeBinaries,
        btcd::{Btcd, flag},
    },
};

/// How the wallet opens at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wallet {
    /// By itself, without a password; the first start makes it.
    Open,
    /// By itself, with the password in its file.
    OpensItself,
    /// By nobody, until it is unlocked.
    Locked,
}

/// What stays the same over all starts of one node: its program, name, folder, ports and chain.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    lnd: PathBuf,
    rpc_port: u16,
    rest_port: u16,
    peer_port: u16,
    chain: Vec<String>,
}

impl Program {
    /// Makes the node's folder below `folder`, and chooses its ports.
    pub(super) fn new(
        binaries: &NodeBinaries,
        name: &str,
        folder: &Path,
        btcd: &Btcd,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir(&folder)
            .with_context(|| format!("the node's name {name} is taken or none of a folder"))?;
        Ok(Self {
            name: name.to_owned(),
            folder,
            lnd: binaries.program("lnd"),
            rpc_port: free_port()?,
            rest_port: free_port()?,
            peer_port: free_port()?,
            chain: chain_flags(btcd),
        })
    }

    pub(super) fn spawn(&self, wallet: Wallet) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.lnd);
        command
            .arg(flag("lnddir", self.folder.display()))
            .arg(flag("alias", &self.name))
            .arg(flag("rpclisten", self.rpc_address()))
            .arg(flag("listen", self.peer_address()))
            .arg(flag("restlisten", self.rest_address()))
            .args(["--no-rest-tls", "--nobootstrap", "--trickledelay=50"])
            .args(&self.chain)
            .env("HOME", &self.folder);
        match wallet {
            Wallet::Open => command.arg("--noseedbackup"),
            Wallet::OpensItself => command.arg(flag(
                "wallet-unlock-password-file",
                self.password_file().display(),
            )),
            Wallet::Locked => &mut command,
        };
        Process::spawn(&self.name, command, &self.folder.join("stdout.log"))
    }

    /// Holds the wallet's password, once it has one.
    pub(super) fn password_file(&self) -> PathBuf {
        self.folder.join("wallet-password")
    }

    pub(super) fn rpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.rpc_port)
    }

    /// Without TLS: nothing but [`Lnd::set_wallet_password`](super::Lnd::set_wallet_password) asks there.
    pub(super) fn rest_address(&self) -> String {
        format!("127.0.0.1:{}", self.rest_port)
    }

    pub(super) fn peer_address(&self) -> String {
        format!("127.0.0.1:{}", self.peer_port)
    }
}

fn chain_flags(btcd: &Btcd) -> Vec<String> {
    vec![
        "--bitcoin.regtest".to_owned(),
        "--bitcoin.node=btcd".to_owned(),
        flag("btcd.rpchost", btcd.rpc_address()),
        flag("btcd.rpccert", btcd.rpc_certificate().display()),
        flag("btcd.rpcuser", btcd.rpc_user()),
        flag("btcd.rpcpass", btcd.rpc_user()),
    ]
}
