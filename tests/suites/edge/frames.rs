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

/// The head of a GET or a POST of `/health` (RFC 7541): the path and the authority in literals without
/// indexing, what else is there from the static table.
pub(crate) fn head(is_post: bool) -> Vec<u8> {
    let method = if is_post { 0x83 } else { 0x82 };
    let mut head = vec![method, 0x86, 0x04, 7];
    head.extend_from_slice(b"/health");
    head.extend([0x01, 9]);
    head.extend_from_slice(b"127.0.0.1");
    head
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
