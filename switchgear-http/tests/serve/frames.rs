use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::bench::{Bench, PATIENCE};

/// A connection of HTTP/2, frame by frame (RFC 9113).
pub(crate) struct RawHttp2(TcpStream);

impl RawHttp2 {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;

    /// Begins, with so much room for each response.
    pub(crate) async fn begin(bench: &Bench, window: u32) -> Self {
        let mut stream = bench.connect().await;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let mut this = Self(stream);
        let initial_window = [[0, 4].as_slice(), &window.to_be_bytes()].concat();
        this.send(Self::SETTINGS, 0, 0, &initial_window).await;
        this
    }

    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let frame = frame(kind, flags, stream, payload);
        self.0.write_all(&frame).await.unwrap();
    }

    /// GET of a path.
    pub(crate) async fn get(&mut self, stream: u32, path: &str) {
        const END: u8 = 0x1 | 0x4;

        self.send(Self::HEADERS, END, stream, &head(path)).await;
    }

    /// What is sent from now on, and what comes, each for itself.
    pub(crate) fn split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.0.into_split()
    }

    /// The next frame; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        let read = timeout(PATIENCE, self.0.read_exact(&mut head));
        read.await.unwrap().ok()?;
        let [a, b, c, kind, _flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// Waits for a frame of a kind.
    pub(crate) async fn wait_for(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection is open");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads without another word until the server closes.
    pub(crate) async fn read_to_end(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A frame that came.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A frame as it is sent.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// The head of a GET in literals without indexing (RFC 7541, 6.2.2).
pub(crate) fn head(path: &str) -> Vec<u8> {
    let authority = "a.example";
    // Method GET and scheme http are 2 and 6 of the static table, path and authority 4 and 1.
    let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    head.extend_from_slice(path.as_bytes());
    head.extend([0x01, u8::try_from(authority.len()).unwrap()]);
    head.extend_from_slice(authority.as_bytes());
    head
}
