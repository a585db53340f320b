//! An LND's wallet password.

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{ANSWER, Lnd};
use crate::client;

/// On loopback and in a private folder: no secret.
const PASSWORD: &str = "regtest-password";

/// The same in base64, as LND's REST API wants it. A wallet without a password is one with an empty password there.
const NEW_PASSWORD: &str = r#"{"new_password": "cmVndGVzdC1wYXNzd29yZA=="}"#;

impl Lnd {
    /// Gives the wallet a password, as on a node with real money, and waits until the node is synced.
    ///
    /// Restarts the node, for LND takes a password only before its wallet is open. From then on it can
    /// [restart locked](Lnd::restart_locked).
    ///
    /// # Errors
    ///
    /// When it has a password, or does not come up; the error shows the end of its log.
    pub async fn set_wallet_password(&self) -> anyhow::Result<()> {
        self.restart_locked().await?;
        // `lncli changepassword` reads from a terminal only.
        timeout(ANSWER, self.change_password())
            .await
            .with_context(|| format!("{} took no password within {ANSWER:?}", self.name()))??;
        std::fs::write(self.program.password_file(), PASSWORD)?;
        self.wait_until_ready().await
    }

    /// Unlocks the wallet of a node that started locked, and waits until it is synced.
    ///
    /// # Errors
    ///
    /// When it is not locked, or does not come up; the error shows the end of its log.
    pub async fn unlock(&self) -> anyhow::Result<()> {
        let arguments = ["unlock", "--stdin"];
        let mut command = self.lncli_command();
        command.args(arguments);
        client::run(
            command,
            &self.asked(&arguments),
            &format!("{PASSWORD}\n"),
            ANSWER,
        )
        .await?;
        self.wait_until_ready().await
    }

    /// Opens the wallet too.
    async fn change_password(&self) -> anyhow::Result<()> {
        let address = self.program.rest_address();
        // In the older HTTP, an answer ends with its connection.
        let request = format!(
            "POST /v1/changepassword HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{NEW_PASSWORD}",
            NEW_PASSWORD.len()
        );
        let mut socket = TcpStream::connect(&address).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        let status = answer.lines().next().unwrap_or_default();
        ensure!(
            status.contains(" 200 "),
            "{} took no password: {answer}",
            self.name()
        );
        Ok(())
    }
}
