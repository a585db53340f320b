use std::sync::Arc;

use parking_lot::Mutex;
use switchgear_core::{
    backend::{Backend, BackendSnapshot, SnapshotVersion},
    store::StoreError,
};

/// How many records the log names at a time.
const NAMED: usize = 10;

/// The backends that cannot be read: written by hand, or by a newer version of this program.
///
/// They are left out, so that one of them does not take all nodes away. The log is told of each
/// once, and never what it holds. Clones share what was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unreadable {
    told: Arc<Mutex<Vec<String>>>,
}

/// The records that can be read, and the keys of those that cannot.
#[derive(Debug)]
pub(crate) struct Parted<T> {
    readable: Vec<T>,
    left_out: Vec<String>,
}

impl Unreadable {
    /// Parts records, each with its key, into those that can be read and those that cannot.
    ///
    /// # Errors
    /// The first one's, when none of them can be: whoever knew backends goes on with those.
    pub(crate) fn parted<T>(
        &self,
        records: impl IntoIterator<Item = (String, Result<T, StoreError>)>,
    ) -> Result<Parted<T>, StoreError> {
        let (mut readable, mut left_out, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (key, record) in records {
            match record {
                Ok(record) => readable.push(record),
                Err(error) => {
                    left_out.push(key);
                    errors.push(error);
                }
            }
        }
        self.tell(errors.iter().map(ToString::to_string).collect());
        match errors.into_iter().next() {
            Some(error) if readable.is_empty() => Err(error),
            _ => Ok(Parted { readable, left_out }),
        }
    }

    fn tell(&self, unreadable: Vec<String>) {
        let mut told = self.told.lock();
        if *told == unreadable {
            return;
        }
        if unreadable.is_empty() {
            tracing::info!("all backends can be read again");
        }
        let new: Vec<_> = unreadable
            .iter()
            .filter(|words| !told.contains(words))
            .collect();
        for words in new.iter().take(NAMED) {
            tracing::warn!("a backend is left out: {words}");
        }
        if new.len() > NAMED {
            tracing::warn!("{} more backends are left out", new.len() - NAMED);
        }
        *told = unreadable;
    }
}

impl Parted<Backend> {
    /// The answer to whoever knows `known`, at this version of the records.
    ///
    /// The version says how many are left out. Of the same records a newer program may read more: by
    /// the version alone, who asked the older one would never be told. The number is enough, since a
    /// program reads all that an older one does.
    pub(crate) fn into_snapshot(
        self,
        version: SnapshotVersion,
        known: Option<&SnapshotVersion>,
    ) -> BackendSnapshot {
        let version = match self.left_out.len() {
            0 => version,
            count => SnapshotVersion::new(format!("{}-without-{count}", version.as_str())),
        };
        if known == Some(&version) {
            return BackendSnapshot::Unchanged;
        }
        BackendSnapshot::Changed {
            version,
            backends: self.readable,
            left_out: self.left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use switchgear_core::store::StoreErrorKind;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn take(&self) -> Vec<String> {
            let bytes = std::mem::take(&mut *self.0.lock());
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    type Record = (String, Result<u8, StoreError>);

    fn bad(name: &str) -> Record {
        let error = StoreError::new(StoreErrorKind::Unavailable, format!("backend {name}"));
        (name.to_owned(), Err(error.with_source("what it holds")))
    }

    fn good(number: u8) -> Record {
        (number.to_string(), Ok(number))
    }

    #[test]
    fn are_told_of_once_by_name_and_without_what_they_hold() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let unreadable = Unreadable::default();

        for _ in 0..2 {
            let parted = unreadable.parted([good(1), bad("a"), good(2)]).unwrap();
            assert_eq!(parted.readable, [1, 2]);
            assert_eq!(parted.left_out, ["a"]);
        }
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].ends_with("left out: backend a"));
        assert!(!lines[0].contains("what it holds"));

        unreadable.parted([good(1), bad("a"), bad("b")]).unwrap();
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with("left out: backend b"));

        unreadable.parted([good(1)]).unwrap();
        assert!(log.take()[0].ends_with("all backends can be read again"));
        let many = (0..NAMED + 2).map(|n| bad(&n.to_string()));
        unreadable
            .parted([good(1)].into_iter().chain(many))
            .unwrap();
        let lines = log.take();
        assert_eq!(lines.len(), NAMED + 1);
        assert!(lines[NAMED].ends_with("2 more backends are left out"));
    }

    #[test]
    fn are_an_error_when_nothing_else_is_there() {
        let unreadable = Unreadable::default();
        let error = unreadable.parted([bad("a"), bad("b")]).unwrap_err();
        assert_eq!(error.to_string(), "backend a");
        let none = unreadable.parted(Vec::<Record>::new()).unwrap();
        assert!(none.readable.is_empty() && none.left_out.is_empty());
    }
}
