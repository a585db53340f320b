//! A remote service that misbehaves on the wire: what its client waits for, keeps and says.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests do")]

use std::{
    error::Error as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use switchgear_core::{
    Partition,
    offer::OfferStore as _,
    store::{Page, PageStart, StoreError, StoreErrorKind},
};
use switchgear_stores::http::{HttpOfferStore, HttpStoreConfig};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use uuid::Uuid;

const GONE: &[u8] = b"HTTP/1.1 404 Not Found\r\n\
    content-type: application/problem+json\r\ncontent-length: 50\r\n\r\n\
    {\"type\":\"urn:switchgear:problem:record-not-found\"}";

/// A service on loopback each of whose connections is served by the same function.
struct Service {
    url: String,
    connections: Arc<AtomicUsize>,
    folder: TempDir,
}

impl Service {
    async fn start<W>(serve: impl Fn(TcpStream) -> W + Send + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream));
            }
        });
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("token"), "e30.e30.e30").unwrap();
        Self {
            url,
            connections,
            folder,
        }
    }

    fn store(&self, total_timeout: Duration) -> HttpOfferStore {
        let token = self.folder.path().join("token");
        let config = HttpStoreConfig {
            total_timeout,
            ..HttpStoreConfig::new(self.url.parse().unwrap(), token)
        };
        HttpOfferStore::try_new(config).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Long enough for anything here, on a machine that is busy with other things.
const PATIENT: Duration = Duration::from_secs(30);

async fn look_up(store: &HttpOfferStore) -> Result<bool, StoreError> {
    let partition = Partition::try_new("default").unwrap();
    let offer = store.offer(&partition, Uuid::nil()).await?;
    Ok(offer.is_some())
}

/// Reads the head of a request that has no body; false when there is none any more.
async fn request(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}

/// Writes while the client reads; how many bytes it took is of no interest.
async fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok()
}

#[track_caller]
fn refused(result: Result<bool, StoreError>, words: &str) -> StoreError {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Remote, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    error
}

#[tokio::test]
async fn keeps_a_connection_for_the_requests_that_follow() {
    let service = Service::start(|mut stream| async move {
        while request(&mut stream).await {
            send(&mut stream, GONE).await;
        }
    })
    .await;
    let store = service.store(PATIENT);
    for _ in 0..10 {
        assert!(!look_up(&store).await.unwrap());
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn asks_over_a_new_connection_when_the_service_has_closed_the_old_one() {
    let closed = Arc::new(Semaphore::new(0));
    let noticed = Arc::clone(&closed);
    let service = Service::start(move |mut stream| {
        let noticed = Arc::clone(&noticed);
        async move {
            request(&mut stream).await;
            send(&mut stream, GONE).await;
            stream.shutdown().await.unwrap();
            // The client closes its side once it has seen the end.
            assert!(!request(&mut stream).await);
            noticed.add_permits(1);
        }
    })
    .await;
    let store = service.store(PATIENT);
    for connections in 1..=3 {
        assert!(!look_up(&store).await.unwrap());
        closed.acquire().await.unwrap().forget();
        assert_eq!(service.connections(), connections);
    }
}

#[tokio::test]
async fn gives_up_an_answer_that_comes_byte_by_byte() {
    for total in [200, 600].map(Duration::from_millis) {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let service = Service::start(move |mut stream| {
            let counted = Arc::clone(&counted);
            async move {
                request(&mut stream).await;
                send(
                    &mut stream,
                    b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
                )
                .await;
                let mut pace = tokio::time::interval(Duration::from_millis(10));
                while send(&mut stream, b" ").await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    pace.tick().await;
                }
            }
        })
        .await;
        let began = Instant::now();
        let asked = look_up(&service.store(total)).await;
        refused(asked, &format!("did not answer in time, within {total:?}"));
        assert!(began.elapsed() >= total);
        assert!(sent.load(Ordering::Relaxed) > 1, "it did dribble");
    }
}

/// A service that begins with `head` and then sends spaces for as long as they are taken.
async fn endless(head: &'static [u8]) -> Service {
    Service::start(move |mut stream| async move {
        request(&mut stream).await;
        send(&mut stream, head).await;
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while send(&mut stream, chunk.as_bytes()).await {}
    })
    .await
}

#[tokio::test]
async fn reads_no_record_and_no_explanation_without_end() {
    let service = endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let asked = look_up(&service.store(PATIENT)).await;
    let error = refused(asked, "sent an answer that cannot be read");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("length limit exceeded"), "{source}");

    let service = endless(b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n").await;
    refused(look_up(&service.store(PATIENT)).await, "503");
}

#[tokio::test]
async fn reads_a_list_that_is_longer_than_any_record() {
    let service = Service::start(|mut stream| async move {
        let list = format!("[{}]", " ".repeat(5 * 1024 * 1024));
        request(&mut stream).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", list.len());
        send(&mut stream, head.as_bytes()).await;
        send(&mut stream, list.as_bytes()).await;
    })
    .await;
    let page = Page {
        start: PageStart::Offset(0),
        count: 100,
    };
    let partition = Partition::try_new("default").unwrap();
    let listed = service.store(PATIENT).offers(&partition, page).await;
    assert_eq!(listed.unwrap(), []);
}

#[tokio::test]
async fn names_an_answer_that_breaks_off() {
    for (answer, words) in [
        (&b""[..], "broke the connection off"),
        (b"HTTP/1.1 200 OK\r\ncontent", "broke the connection off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "broke the connection off"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
            "sent an answer that cannot be read",
        ),
    ] {
        let service = Service::start(move |mut stream| async move {
            request(&mut stream).await;
            send(&mut stream, answer).await;
        })
        .await;
        let error = refused(look_up(&service.store(PATIENT)).await, words);
        assert!(error.source().is_some(), "{error:?}");
        assert_eq!(service.connections(), 1, "nothing is asked twice");
    }
}
