use std::fs;

use anyhow::ensure;
use serde_json::Value;
use switchgear_tests::{Answer, Door, Service, Swgr, Wire};

/// An administrator of one service, on one connection.
pub(crate) struct Admin {
    door: Door,
    wire: Option<Wire>,
    token: String,
}

impl Admin {
    /// With the token that lies beside the server.
    pub(crate) fn of(swgr: &Swgr, service: Service) -> anyhow::Result<Self> {
        let token = fs::read_to_string(swgr.token(service))?;
        Ok(Self::with_token(swgr.door(service)?, token.trim()))
    }

    /// With any token.
    pub(crate) fn with_token(door: Door, token: &str) -> Self {
        Self {
            door,
            wire: None,
            token: token.to_owned(),
        }
    }

    /// Sends a request, with `body` where it has one.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut headers = format!("Authorization: Bearer {}\r\n", self.token);
        if !body.is_empty() {
            let length = body.len();
            headers += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        let request = self.door.request(method, path, &headers) + &body;
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => self.door.open().await?,
        };
        let answer = wire.ask(request).await?;
        self.wire = Some(wire);
        Ok(answer)
    }

    /// Creates a record.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<()> {
        let answer = self.ask("POST", path, Some(body)).await?;
        let (status, text) = (answer.status, answer.text());
        ensure!(status == 201, "POST {path}: {status} {text}: {body}");
        Ok(())
    }
}
