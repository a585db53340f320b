//! A connection on which every byte is the caller's: what no HTTP client would send can be sent.

mod answer;
mod door;

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

pub use self::{answer::Answer, door::Door};

/// Beyond any limit of a server's.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most bytes that are read for one head or body.
const MOST: usize = 16 << 20;

/// What bytes can be sent through and come back from.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection that speaks HTTP/1.1, and keeps what came too early for the answer after.
pub struct Wire {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the other side is gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let sent = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        timeout(PATIENCE, sent).await.context("nobody reads")??;
        Ok(())
    }

    /// Reads the answer to a request of `method`, which decides whether a body follows.
    ///
    /// # Errors
    ///
    /// When the connection ends before it, or it is no HTTP.
    pub async fn answer(&mut self, method: &str) -> anyhow::Result<Answer> {
        timeout(PATIENCE, self.read_answer(method))
            .await
            .context("no answer")?
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    ///
    /// As [`Self::send`] and [`Self::answer`].
    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> anyhow::Result<Answer> {
        let request = request.as_ref();
        // What hangs up in the middle of a large request may have answered before.
        let sent = self.send(request).await;
        let end = request.iter().position(|byte| *byte == b' ');
        let method = String::from_utf8_lossy(&request[..end.unwrap_or_default()]);
        match self.answer(&method).await {
            Ok(answer) => Ok(answer),
            Err(error) => sent.and(Err(error)),
        }
    }

    /// Waits until the other side hangs up, and drops what it says before.
    ///
    /// # Errors
    ///
    /// When it stays for longer than `within`.
    pub async fn closed(&mut self, within: Duration) -> anyhow::Result<()> {
        let mut rest = [0; 4_096];
        let drained = async {
            // A reset is an end as well.
            while matches!(self.stream.read(&mut rest).await, Ok(1..)) {}
        };
        timeout(within, drained)
            .await
            .with_context(|| format!("the connection was still open after {within:?}"))
    }

    async fn read_answer(&mut self, method: &str) -> anyhow::Result<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await? {
                bail!(
                    "the connection ended after {} bytes of an answer",
                    self.read.len()
                );
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let mut answer = Answer::of_head(&String::from_utf8(head)?)?;
        if method != "HEAD" && ![204, 304].contains(&answer.status) {
            answer.body = self.body(&answer).await?;
        }
        Ok(answer)
    }

    async fn body(&mut self, answer: &Answer) -> anyhow::Result<Vec<u8>> {
        let length = match answer.header("content-length").as_str() {
            "" => None,
            length => Some(length.parse::<usize>()?),
        };
        let is_whole = |read: &[u8]| length.is_some_and(|length| read.len() >= length);
        while !is_whole(&self.read) {
            if !self.more().await? {
                break;
            }
        }
        let length = length.unwrap_or(self.read.len());
        if self.read.len() < length {
            bail!("{} of {length} bytes of a body came", self.read.len());
        }
        Ok(self.read.drain(..length).collect())
    }

    /// Reads some; whether there was any.
    async fn more(&mut self) -> anyhow::Result<bool> {
        if self.read.len() > MOST {
            bail!("the answer is too long");
        }
        Ok(self.stream.read_buf(&mut self.read).await? > 0)
    }
}
