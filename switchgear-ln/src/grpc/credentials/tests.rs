use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::grpc::read_file;

#[derive(Debug)]
struct TextFile {
    path: PathBuf,
    loads: Arc<AtomicUsize>,
    disk: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, PartialEq)]
struct Text(String);

impl Trusted for Text {
    fn trust(&self) -> &Arc<Trust> {
        unreachable!("no connection is made with a text")
    }
}

impl CredentialSource for TextFile {
    type Credentials = Text;

    fn files(&self) -> Vec<&Path> {
        vec![&self.path]
    }

    fn load(&self) -> Result<Text, CredentialError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let _reading = self.disk.blocking_lock();
        String::from_utf8(read_file(&self.path)?)
            .map(Text)
            .map_err(|_| CredentialError::content(&self.path, "is not text"))
    }
}

struct World {
    _directory: tempfile::TempDir,
    path: PathBuf,
    loads: Arc<AtomicUsize>,
    /// Locked, the disk hangs.
    disk: Arc<tokio::sync::Mutex<()>>,
    watched: Watched<TextFile>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credential");
        let loads = Arc::new(AtomicUsize::new(0));
        let disk = Arc::new(tokio::sync::Mutex::new(()));
        let source = TextFile {
            path: path.clone(),
            loads: Arc::clone(&loads),
            disk: Arc::clone(&disk),
        };
        Self {
            _directory: directory,
            path,
            loads,
            disk,
            watched: Watched::new(source),
        }
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    async fn current(&self) -> Arc<Versioned<Text>> {
        self.watched.current().await.unwrap()
    }

    async fn failure(&self) -> String {
        self.watched.current().await.unwrap_err().to_string()
    }

    async fn read_to_the_end(&self) {
        let reading = self.watched.inner.state.lock().reading.clone();
        if let Some(reading) = reading {
            reading.await.unwrap();
        }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn takes_up_a_file_that_appears_later() {
    let world = World::new();
    let shown = world.path.display();
    let missing = format!("cannot read {shown}: there is no such file");
    assert_eq!(world.failure().await, missing);

    world.write("");
    tokio::time::advance(RETRY_AFTER).await;
    assert_eq!(world.failure().await, format!("{shown} is empty"));

    world.write("first");
    tokio::time::advance(RETRY_AFTER).await;
    assert_eq!(world.current().await.0, "first");
}

#[tokio::test(start_paused = true)]
async fn asks_the_disk_for_a_missing_file_a_few_times_a_second_whoever_calls() {
    let world = World::new();
    for _ in 0..1_000 {
        world.failure().await;
    }
    assert_eq!(world.loads(), 1);
    tokio::time::advance(RETRY_AFTER).await;
    for _ in 0..1_000 {
        world.failure().await;
    }
    assert_eq!(world.loads(), 2);
}

#[tokio::test]
async fn callers_that_read_at_once_share_one_read() {
    let world = World::new();
    world.write("first");
    let (one, two) = tokio::join!(world.current(), world.current());
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!(world.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn looks_at_the_files_once_a_second() {
    let world = World::new();
    world.write("first");
    let first = world.current().await;

    world.write("the second");
    assert_eq!(world.current().await.0, "first");
    tokio::time::advance(RECHECK_AFTER).await;
    assert_eq!(world.current().await.0, "the second");

    let newest = world.current().await;
    assert!(world.watched.newer_than(&newest).await.is_none());
    let newer = world.watched.newer_than(&first).await.unwrap();
    assert_eq!(newer.0, "the second");
}

#[tokio::test]
async fn finds_newer_credentials_under_an_old_date() {
    let world = World::new();
    world.write("first");
    let date = fs::metadata(&world.path).unwrap().modified().unwrap();
    let first = world.current().await;

    world.write("other");
    let file = fs::File::options().write(true).open(&world.path).unwrap();
    file.set_modified(date).unwrap();
    let newer = world.watched.newer_than(&first).await.unwrap();
    assert_eq!(newer.0, "other");
    assert!(Arc::ptr_eq(&newer, &world.current().await));
}

#[tokio::test(start_paused = true)]
async fn goes_on_with_good_credentials_while_their_file_is_away() {
    let world = World::new();
    world.write("first");
    let first = world.current().await;
    fs::remove_file(&world.path).unwrap();
    tokio::time::advance(RECHECK_AFTER).await;
    assert!(Arc::ptr_eq(&first, &world.current().await));
    world.write("the second");
    tokio::time::advance(RECHECK_AFTER).await;
    assert_eq!(world.current().await.0, "the second");
}

#[tokio::test(start_paused = true)]
async fn the_same_file_anew_makes_no_new_credentials() {
    let world = World::new();
    world.write("first");
    let first = world.current().await;
    fs::remove_file(&world.path).unwrap();
    world.write("first");
    tokio::time::advance(RECHECK_AFTER).await;
    assert!(Arc::ptr_eq(&first, &world.current().await));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_have_the_disk_asked_a_few_times_a_second_whoever_calls() {
    let world = World::new();
    world.write("first");
    let first = world.current().await;
    for _ in 0..1_000 {
        assert!(world.watched.newer_than(&first).await.is_none());
    }
    assert_eq!(world.loads(), 2);

    world.write("the second");
    assert!(world.watched.newer_than(&first).await.is_none());
    tokio::time::advance(RETRY_AFTER).await;
    let second = world.watched.newer_than(&first).await.unwrap();
    assert_eq!((second.0.as_str(), world.loads()), ("the second", 3));
    assert!(second.version() > first.version());

    let known = world.watched.newer_than(&first).await.unwrap();
    assert!(Arc::ptr_eq(&known, &second));
    assert_eq!(world.loads(), 3);
}

#[tokio::test]
async fn a_disk_that_hangs_holds_up_nobody_who_has_credentials() {
    let world = World::new();
    world.write("first");
    let first = world.current().await;
    world.write("the second");
    tokio::time::pause();
    tokio::time::advance(RECHECK_AFTER).await;
    tokio::time::resume();

    let hanging = world.disk.lock().await;
    let began = Instant::now();
    for _ in 0..100 {
        assert!(Arc::ptr_eq(&first, &world.current().await));
    }
    let refused = world.watched.newer_than(&first).await;
    assert!(refused.is_none());
    assert!(began.elapsed() < 2 * (PATIENCE + PATIENCE_WITH_CREDENTIALS));
    assert_eq!(world.loads(), 2, "one read hangs, and no other is begun");

    drop(hanging);
    world.read_to_the_end().await;
    assert_eq!(world.current().await.0, "the second");
}

#[tokio::test]
async fn a_disk_that_hangs_before_anything_was_read_is_told_in_bounded_time() {
    let world = World::new();
    world.write("first");
    let hanging = world.disk.lock().await;
    let words = format!("reading {} takes too long", world.path.display());
    assert_eq!(world.failure().await, words);
    assert_eq!(world.failure().await, words);
    assert_eq!(world.loads(), 1);

    drop(hanging);
    world.read_to_the_end().await;
    assert_eq!(world.current().await.0, "first");
}
