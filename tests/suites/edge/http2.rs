use h2::client::SendRequest;
use switchgear_tests::{Answer, Door};
use tokio::task::JoinHandle;

/// Who speaks HTTP/2, on one connection.
pub(crate) struct Http2 {
    requests: SendRequest<&'static [u8]>,
    connection: JoinHandle<()>,
}

impl Http2 {
    pub(crate) async fn open(door: &Door) -> anyhow::Result<Self> {
        let stream = door.connect(b"h2").await?;
        let (requests, connection) = h2::client::Builder::new().handshake(stream).await?;
        Ok(Self {
            requests,
            connection: tokio::spawn(async move { drop(connection.await) }),
        })
    }

    /// Sends a request without a body; many may be under way at once.
    pub(crate) async fn ask(
        &self,
        request: http::Request<()>,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<Answer>> + Send + use<>> {
        let mut requests = self.requests.clone().ready().await?;
        let (answer, _) = requests.send_request(request, true)?;
        Ok(async move { read(answer.await?).await })
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

async fn read(answer: http::Response<h2::RecvStream>) -> anyhow::Result<Answer> {
    let (head, mut stream) = answer.into_parts();
    let mut body = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part?;
        stream.flow_control().release_capacity(part.len())?;
        body.extend_from_slice(&part);
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body,
    })
}
