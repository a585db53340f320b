use anyhow::{Context, ensure};
use serde_json::Value;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of a header, joined by commas; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(key, _)| key == name);
        let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
        values.join(", ")
    }

    /// The body as text; bytes that are none are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none; holds the body.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} with no JSON: {:?}", self.status, self.text()))
    }

    pub(super) fn of_head(head: &str) -> anyhow::Result<Self> {
        let mut lines = head.split("\r\n").take_while(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).unwrap_or_default();
        ensure!(first.starts_with("HTTP/1."), "no HTTP/1.1: {first:?}");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').context("a header without a colon")?;
            Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok(Self {
            status: status.parse().with_context(|| format!("{first:?}"))?,
            headers: headers.collect::<anyhow::Result<_>>()?,
            body: Vec::new(),
        })
    }
}
