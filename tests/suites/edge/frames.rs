use anyhow::ensure;
use switchgear_tests::{Door, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};

pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// A frame of HTTP/2 as it is sent (RFC 9113, 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let [_, length @ ..] = length;
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a request (RFC 7541): what is not in the static table, in literals without indexing.
pub(crate) fn head(method: Method, path: &str, token: &str) -> Vec<u8> {
    const SCHEME_HTTP: u8 = 0x86;
    const PATH: u8 = 0x04;
    const AUTHORITY: u8 = 0x01;
    // Numbers 23 and 31 are past what the first byte holds.
    const AUTHORIZATION: [u8; 2] = [0x0f, 23 - 15];
    const CONTENT_TYPE: [u8; 2] = [0x0f, 31 - 15];

    let mut head = vec![method as u8, SCHEME_HTTP, PATH];
    head.extend(text(path));
    head.push(AUTHORITY);
    head.extend(text("127.0.0.1"));
    if !token.is_empty() {
        head.extend(AUTHORIZATION);
        head.extend(text(&format!("Bearer {token}")));
        head.extend(CONTENT_TYPE);
        head.extend(text("application/json"));
    }
    head
}

/// Its place in the static table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Get = 0x82,
    Post = 0x83,
}

/// Its length, in seven bits and then in seven bits each, and its bytes.
fn text(text: &str) -> Vec<u8> {
    const MOST: usize = 0x7f;

    let mut bytes = Vec::new();
    let mut left = text.len();
    if left < MOST {
        bytes.push(left as u8);
    } else {
        bytes.push(MOST as u8);
        left -= MOST;
        while left > MOST {
            bytes.push((left & MOST) as u8 | 0x80);
            left >>= 7;
        }
        bytes.push(left as u8);
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A connection of HTTP/2 that has said its first words, and read none.
pub(crate) async fn begin(
    door: &Door,
) -> anyhow::Result<(ReadHalf<Box<dyn Stream>>, WriteHalf<Box<dyn Stream>>)> {
    let (reader, mut writer) = split(door.connect(b"h2").await?);
    writer
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await?;
    writer.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    writer.flush().await?;
    Ok((reader, writer))
}

/// The kind of the next frame and its payload; none at the end.
pub(crate) async fn next(
    reader: &mut ReadHalf<Box<dyn Stream>>,
) -> anyhow::Result<Option<(u8, Vec<u8>)>> {
    const LONGEST: usize = 1 << 14;

    let mut head = [0; 9];
    // A reset is an end as well.
    if reader.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let [a, b, c, kind, ..] = head;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c]))?;
    ensure!(length <= LONGEST, "a frame of {length} bytes");
    let mut payload = vec![0; length];
    Ok(reader
        .read_exact(&mut payload)
        .await
        .ok()
        .map(|_| (kind, payload)))
}
