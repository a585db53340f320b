use std::sync::Arc;

use parking_lot::Mutex;
use switchgear_core::store::StoreError;

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

impl Unreadable {
    /// The records that can be read.
    ///
    /// # Errors
    /// The first one's, when none of them can be: whoever knew backends goes on with those.
    pub(crate) fn left_out<T>(
        &self,
        records: impl IntoIterator<Item = Result<T, StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut readable, mut errors) = (Vec::new(), Vec::new());
        for record in records {
            match record {
                Ok(record) => readable.push(record),
                Err(error) => errors.push(error),
            }
        }
        self.tell(errors.iter().map(ToString::to_string).collect());
        match errors.into_iter().next() {
            Some(error) if readable.is_empty() => Err(error),
            _ => Ok(readable),
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

    fn bad(name: &str) -> Result<u8, StoreError> {
        let error = StoreError::new(StoreErrorKind::Unavailable, format!("backend {name}"));
        Err(error.with_source("what it holds"))
    }

    #[test]
    fn are_told_of_once_by_name_and_without_what_they_hold() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let unreadable = Unreadable::default();

        for _ in 0..2 {
            let readable = unreadable.left_out([Ok(1), bad("a"), Ok(2)]).unwrap();
            assert_eq!(readable, [1, 2]);
        }
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].ends_with("left out: backend a"));
        assert!(!lines[0].contains("what it holds"));

        unreadable.left_out([Ok(1), bad("a"), bad("b")]).unwrap();
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with("left out: backend b"));

        unreadable.left_out([Ok(1)]).unwrap();
        assert!(log.take()[0].ends_with("all backends can be read again"));
        let many = (0..NAMED + 2).map(|n| bad(&n.to_string()));
        unreadable
            .left_out([Ok(1)].into_iter().chain(many))
            .unwrap();
        let lines = log.take();
        assert_eq!(lines.len(), NAMED + 1);
        assert!(lines[NAMED].ends_with("2 more backends are left out"));
    }

    #[test]
    fn are_an_error_when_nothing_else_is_there() {
        let unreadable = Unreadable::default();
        let error = unreadable.left_out([bad("a"), bad("b")]).unwrap_err();
        assert_eq!(error.to_string(), "backend a");
        let none: Vec<u8> = unreadable.left_out([]).unwrap();
        assert!(none.is_empty());
    }
}
