use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use switchgear_core::{ErrorChain, store::StoreError};

/// A value made from files, made anew when one of them changes.
///
/// A change that cannot be read, a file that is half written for example, leaves the value as it
/// was, is told of once, and is looked at again with the next use.
pub(super) struct Watched<T> {
    paths: Vec<PathBuf>,
    load: Load<T>,
    current: Mutex<Loaded<T>>,
}

type Load<T> = Box<dyn Fn(&[PathBuf]) -> Result<T, StoreError> + Send + Sync>;

struct Loaded<T> {
    stamps: Stamps,
    value: Arc<T>,
    /// The change that was told of, while it lasts.
    refused: Option<Stamps>,
}

type Stamps = Vec<Option<Stamp>>;

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    identity: Identity,
}

/// What tells a file from another one of the same length and time: one that was moved in its place, or
/// whose time was set back, as tools that unpack and copy do.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// The time of the last change of its content, name or times, in seconds and nanoseconds.
    changed: (i64, i64),
}

/// Nothing more is known here.
#[cfg(not(unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity;

impl<T> Watched<T> {
    pub(super) fn try_new(
        paths: Vec<PathBuf>,
        load: impl Fn(&[PathBuf]) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let stamps = stamps(&paths);
        let value = Arc::new(load(&paths)?);
        Ok(Self {
            paths,
            load: Box::new(load),
            current: Mutex::new(Loaded {
                stamps,
                value,
                refused: None,
            }),
        })
    }

    /// Looks at the files with each use: that costs less than a hop to a thread that may block.
    pub(super) fn value(&self) -> Arc<T> {
        // Before the files are read, so that a change in between is seen next time.
        let stamps = stamps(&self.paths);
        if let Some(value) = self.current.lock().unchanged(&stamps) {
            return value;
        }
        // Without the lock: whoever asks meanwhile reads too, and nobody waits for a slow disk.
        let loaded = (self.load)(&self.paths);
        let mut current = self.current.lock();
        match loaded {
            Ok(value) => current.renew(stamps, Arc::new(value)),
            Err(error) => current.keep(stamps, &error),
        }
        Arc::clone(&current.value)
    }
}

impl<T> Loaded<T> {
    fn unchanged(&mut self, stamps: &Stamps) -> Option<Arc<T>> {
        if self.stamps != *stamps {
            return None;
        }
        self.refused = None;
        Some(Arc::clone(&self.value))
    }

    fn renew(&mut self, stamps: Stamps, value: Arc<T>) {
        *self = Self {
            stamps,
            value,
            refused: None,
        };
    }

    fn keep(&mut self, stamps: Stamps, error: &StoreError) {
        if self.refused.as_ref() != Some(&stamps) {
            let error = ErrorChain(error);
            tracing::warn!("what was read before is used on: {error}");
            self.refused = Some(stamps);
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Stamps {
    paths.iter().map(|path| stamp(path)).collect()
}

/// None for what cannot be read twice, a pipe for example: what it said once stays.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(Stamp {
        modified: metadata.modified().ok()?,
        length: metadata.len(),
        identity: identity(&metadata),
    })
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;

    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {
    Identity
}

#[cfg(test)]
mod tests {
    use std::io;

    use switchgear_core::store::StoreErrorKind;

    use super::*;

    /// A log that can be read.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[cfg(unix)]
    #[test]
    fn takes_up_a_file_of_the_same_length_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word");
        fs::write(&path, "old").unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let watched = Watched::try_new(vec![path.clone()], |paths| {
            Ok(fs::read_to_string(&paths[0]).unwrap())
        })
        .unwrap();
        assert_eq!(*watched.value(), "old");

        let next = folder.path().join("next");
        fs::write(&next, "new").unwrap();
        let file = fs::File::options().write(true).open(&next).unwrap();
        file.set_modified(modified).unwrap();
        fs::rename(&next, &path).unwrap();
        let now = fs::metadata(&path).unwrap();
        assert_eq!((now.modified().unwrap(), now.len()), (modified, 3));
        assert_eq!(*watched.value(), "new");
    }

    #[test]
    fn warns_once_of_each_change_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("1");
        let watched = Watched::try_new(vec![path.clone()], |paths| {
            let text = fs::read_to_string(&paths[0]).unwrap_or_default();
            text.parse::<u32>()
                .map_err(|_| StoreError::new(StoreErrorKind::Remote, format!("bad `{text}`")))
        })
        .unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for (text, value) in [("no", 1), ("nonsense", 1), ("22", 22), ("none", 22)] {
                write(text);
                for _ in 0..3 {
                    assert_eq!(*watched.value(), value, "{text}");
                }
            }
        });
        let log = String::from_utf8(log.0.lock().clone()).unwrap();
        let told: Vec<_> = log.lines().collect();
        assert_eq!(told.len(), 3, "{log}");
        for (line, text) in told.iter().zip(["no", "nonsense", "none"]) {
            assert!(line.contains("WARN"), "{line}");
            assert!(line.ends_with(&format!("bad `{text}`")), "{line}");
        }
    }
}
