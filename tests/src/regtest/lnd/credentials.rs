//! What an LND proves itself with, and what it lets others do.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use super::{ANSWER, Lnd};

impl Lnd {
    /// Kills it, throws its certificate and its key away, and starts it again, so that it makes new ones.
    ///
    /// # Errors
    ///
    /// When it does not come up; the error shows the end of its log.
    pub async fn renew_certificate(&self) -> anyhow::Result<()> {
        self.kill()?;
        std::fs::remove_file(self.tls_cert_path())?;
        std::fs::remove_file(self.tls_key_path())?;
        self.restart().await
    }

    /// Kills it, and starts it again on a certificate and a key made elsewhere, both PEM.
    ///
    /// # Errors
    ///
    /// When it does not come up; the error shows the end of its log.
    pub async fn use_certificate(&self, certificate: &str, key: &str) -> anyhow::Result<()> {
        self.kill()?;
        std::fs::write(self.tls_cert_path(), certificate)?;
        std::fs::write(self.tls_key_path(), key)?;
        self.restart().await
    }

    /// Bakes a macaroon that grants `permissions`, such as `invoices:write`, from the root key of that number, and
    /// puts it at the path that this name always has.
    ///
    /// The file changes in one step, as a careful operator would let it.
    ///
    /// # Errors
    ///
    /// When the node refuses.
    pub async fn bake_macaroon(
        &self,
        name: &str,
        root_key: u64,
        permissions: &[&str],
    ) -> anyhow::Result<PathBuf> {
        let fresh = self.folder().join(format!("{name}.{root_key}.macaroon"));
        let save_to = fresh.to_str().context("the folder's name is no text")?;
        let root_key = root_key.to_string();
        let bake = ["bakemacaroon", "--root_key_id", &root_key];
        let arguments = [&bake[..], &["--save_to", save_to], permissions].concat();
        self.lncli_text(&arguments, ANSWER).await?;
        let path = self.folder().join(format!("{name}.macaroon"));
        std::fs::rename(&fresh, &path)?;
        Ok(path)
    }

    /// Makes all macaroons of a root key worthless.
    ///
    /// # Errors
    ///
    /// When the node does not know the root key, or the number is 0, LND's own.
    pub async fn delete_root_key(&self, root_key: u64) -> anyhow::Result<()> {
        self.lncli(&["deletemacaroonid", &root_key.to_string()])
            .await
            .map(drop)
    }

    /// What the node says to a holder of the macaroon who asks with `lncli`.
    ///
    /// # Errors
    ///
    /// When the node refuses, or does not answer.
    pub async fn lncli_with(&self, macaroon: &Path, args: &[&str]) -> anyhow::Result<Value> {
        let macaroon = macaroon.to_str().context("the folder's name is no text")?;
        let macaroon = format!("--macaroonpath={macaroon}");
        self.lncli(&[&[macaroon.as_str()], args].concat()).await
    }

    fn tls_key_path(&self) -> PathBuf {
        self.folder().join("tls.key")
    }
}
