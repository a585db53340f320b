use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use switchgear_core::store::StoreError;

/// A value made from files, made anew when one of them changes.
///
/// A change that cannot be read, a file that is half written for example, leaves the value as it was
/// and is looked at again with the next use.
pub(super) struct Watched<T> {
    paths: Vec<PathBuf>,
    load: Load<T>,
    current: Mutex<Loaded<T>>,
}

type Load<T> = Box<dyn Fn(&[PathBuf]) -> Result<T, StoreError> + Send + Sync>;

struct Loaded<T> {
    stamps: Vec<Option<Stamp>>,
    value: Arc<T>,
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

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
            current: Mutex::new(Loaded { stamps, value }),
        })
    }

    /// Looks at the files with each use: that costs less than a hop to a thread that may block.
    pub(super) fn value(&self) -> Arc<T> {
        // Before the files are read, so that a change in between is seen next time.
        let stamps = stamps(&self.paths);
        let mut current = self.current.lock();
        if current.stamps != stamps
            && let Ok(value) = (self.load)(&self.paths)
        {
            let value = Arc::new(value);
            *current = Loaded { stamps, value };
        }
        Arc::clone(&current.value)
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok()?,
        length: metadata.len(),
    })
}
