use std::{fs, pin::pin};

use futures::{future::join_all, poll};
use switchgear_core::backend::NodeUrl;
use tokio::net::TcpListener;

use super::*;
use crate::tls::TrustSets;

/// Far more than anything here should take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A port where a test decides what becomes of each connection, and a link to it.
struct World {
    listener: TcpListener,
    link: Link,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let target = Target::try_new(&NodeUrl::try_new(&url).unwrap(), None).unwrap();
        Self {
            listener,
            link: Link::new(target, DEADLINE),
        }
    }

    /// Waits for the next attempt, which lasts until its socket is dropped.
    async fn attempt(&self) -> tokio::net::TcpStream {
        let accepted = tokio::time::timeout(DEADLINE, self.listener.accept()).await;
        accepted.expect("an attempt in bounded time").unwrap().0
    }

    fn attempts(&self) -> u64 {
        self.link.shared.state.lock().attempts
    }
}

fn trust() -> Arc<Trust> {
    let certified = rcgen::generate_simple_self_signed(vec!["node".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tls.cert");
    fs::write(&path, certified.cert.pem()).unwrap();
    TrustSets::default().pinned_or_signed(&path).unwrap()
}

#[tokio::test]
async fn a_call_that_came_upon_a_failing_attempt_waits_for_one_more_that_all_share() {
    let world = World::new().await;
    let trust = trust();
    let mut first = pin!(world.link.connection(0, &trust));
    assert!(poll!(&mut first).is_pending());
    let socket = world.attempt().await;
    let mut later = pin!(join_all((0..8).map(|_| world.link.connection(0, &trust))));
    assert!(poll!(&mut later).is_pending());

    drop(socket);
    assert!(first.await.is_err(), "it gets the outcome of its own");
    assert!(poll!(&mut later).is_pending(), "they wait for another");
    drop(world.attempt().await);
    assert!(later.await.iter().all(Result::is_err));
    // One for all of them, and maybe another by now that nobody asked for.
    assert!(matches!(world.attempts(), 2 | 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_one_attempt_may_take() {
    let world = World::new().await;
    let trust = trust();
    let began = Instant::now();
    let calls = (0..8).map(|_| world.link.connection(0, &trust));
    let outcomes = join_all(calls).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert!(began.elapsed() < DEADLINE + Duration::from_secs(1));
}

#[tokio::test]
async fn who_read_the_files_long_ago_joins_the_attempt_of_who_read_them_since() {
    let world = World::new().await;
    let (old, new) = (trust(), trust());
    let join = |version, trust| world.link.shared.join(version, trust).0;

    let first = join(1, &old);
    let second = join(2, &new);
    assert!(second.is_made_with(&new));
    assert!(Arc::ptr_eq(&second, &join(1, &old)));
    assert_eq!(world.attempts(), 2);

    let third = join(3, &old);
    assert!(third.is_made_with(&old) && third.number > first.number);
}
