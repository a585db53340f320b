use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::{task, time::Instant};

/// How often credentials in use are compared with their files.
const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// More than any certificate bundle or macaroon; it keeps a wrong path from filling the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Credentials that are made of files.
pub(crate) trait CredentialSource: Send + Sync + fmt::Debug + 'static {
    /// What the files make.
    type Credentials: Send + Sync + 'static;

    /// The files that a change of is a change of the credentials.
    fn files(&self) -> Vec<&Path>;

    /// Reads the files; blocks. What is the same as in `previous` may be shared with it.
    fn load(
        &self,
        previous: Option<&Self::Credentials>,
    ) -> Result<Self::Credentials, CredentialError>;
}

/// Credentials that follow their files: read when first needed, and again when they changed.
///
/// Credentials that were once good stay in use while their files cannot be read, so that a rotation
/// caught halfway costs nothing.
#[derive(Debug)]
pub(crate) struct Watched<S: CredentialSource> {
    source: Arc<S>,
    state: Mutex<State<S::Credentials>>,
}

impl<S: CredentialSource> Watched<S> {
    /// Reads nothing yet.
    pub(crate) fn new(source: S) -> Self {
        Self {
            source: Arc::new(source),
            state: Mutex::new(State::default()),
        }
    }

    /// The credentials as they are on disk, or were a second ago.
    ///
    /// One caller looks at the files; the others go on with what is known meanwhile.
    pub(crate) async fn current(&self) -> Result<Arc<S::Credentials>, CredentialError> {
        if let Some(credentials) = self.state.lock().fresh(Instant::now()) {
            return Ok(credentials);
        }
        self.refresh().await
    }

    /// What the files hold now, if that is something else than `refused`.
    pub(crate) async fn newer_than(
        &self,
        refused: &Arc<S::Credentials>,
    ) -> Option<Arc<S::Credentials>> {
        let now = self.refresh().await.ok()?;
        (!Arc::ptr_eq(&now, refused)).then_some(now)
    }

    async fn refresh(&self) -> Result<Arc<S::Credentials>, CredentialError> {
        let (known, previous) = {
            let state = self.state.lock();
            (state.stamps.clone(), state.credentials.clone())
        };
        let source = Arc::clone(&self.source);
        let reading = task::spawn_blocking(move || {
            let stamps = stamps(&source.files());
            match previous {
                Some(same) if stamps == known => Ok((stamps, same)),
                previous => source
                    .load(previous.as_deref())
                    .map(|loaded| (stamps, Arc::new(loaded))),
            }
        });
        let outcome = reading.await.map_err(|_| CredentialError::Interrupted)?;
        self.state.lock().settle(outcome)
    }
}

/// Why credentials cannot be used. Its text names the file, never what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", .0.display(), reason(.1))]
    Read(PathBuf, #[source] io::Error),
    /// The file is read, and is not what it should be.
    #[error("{} {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is instead, or lacks.
        reason: String,
    },
    /// This process is stopping.
    #[error("reading the credentials was interrupted")]
    Interrupted,
}

impl CredentialError {
    /// Refuses what is in `path`.
    pub(crate) fn content(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Content {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Reads a credential file; one that is empty, or larger than any credential, is refused.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let failed = |error| CredentialError::Read(path.to_owned(), error);
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut content))
        .map_err(failed)?;
    if content.is_empty() {
        return Err(CredentialError::content(path, "is empty"));
    }
    if content.len() as u64 > LARGEST_FILE {
        return Err(CredentialError::content(path, "is too large"));
    }
    Ok(content)
}

struct State<C> {
    checked: Option<Instant>,
    stamps: Vec<Stamp>,
    credentials: Option<Arc<C>>,
    failing: bool,
}

impl<C> State<C> {
    /// What may be used without a look at the files; else the look is the caller's to take.
    fn fresh(&mut self, now: Instant) -> Option<Arc<C>> {
        let credentials = self.credentials.as_ref()?;
        if let Some(checked) = self.checked
            && now.duration_since(checked) < RECHECK_AFTER
        {
            return Some(Arc::clone(credentials));
        }
        self.checked = Some(now);
        None
    }

    fn settle(
        &mut self,
        outcome: Result<(Vec<Stamp>, Arc<C>), CredentialError>,
    ) -> Result<Arc<C>, CredentialError> {
        self.checked = Some(Instant::now());
        match (outcome, &self.credentials) {
            // Several callers may have read the same files at once: one result stands for all.
            (Ok((stamps, _)), Some(known)) if stamps == self.stamps => {
                self.failing = false;
                Ok(Arc::clone(known))
            }
            (Ok((stamps, credentials)), _) => {
                self.stamps = stamps;
                self.credentials = Some(Arc::clone(&credentials));
                self.failing = false;
                Ok(credentials)
            }
            (Err(error), Some(last_good)) => {
                if !self.failing {
                    tracing::warn!(%error, "credentials changed and cannot be used, going on with those before");
                    self.failing = true;
                }
                Ok(Arc::clone(last_good))
            }
            (Err(error), None) => Err(error),
        }
    }
}

impl<C> Default for State<C> {
    fn default() -> Self {
        Self {
            checked: None,
            stamps: Vec::new(),
            credentials: None,
            failing: false,
        }
    }
}

/// Leaves out the credentials.
impl<C> fmt::Debug for State<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("loaded", &self.credentials.is_some())
            .field("failing", &self.failing)
            .finish_non_exhaustive()
    }
}

/// What tells a changed file from the same one; `None` when there is none to look at.
type Stamp = Option<(SystemTime, u64)>;

fn stamps(files: &[&Path]) -> Vec<Stamp> {
    files
        .iter()
        .map(|file| {
            let metadata = file.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
        .collect()
}

/// Without the number that the standard library appends: a person reads this.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[derive(Debug)]
    struct TextFile(PathBuf);

    impl CredentialSource for TextFile {
        type Credentials = String;

        fn files(&self) -> Vec<&Path> {
            vec![&self.0]
        }

        fn load(&self, _previous: Option<&String>) -> Result<String, CredentialError> {
            String::from_utf8(read_file(&self.0)?)
                .map_err(|_| CredentialError::content(&self.0, "is not text"))
        }
    }

    fn watched() -> (tempfile::TempDir, PathBuf, Watched<TextFile>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credential");
        let watched = Watched::new(TextFile(path.clone()));
        (directory, path, watched)
    }

    #[tokio::test]
    async fn takes_up_a_file_that_appears_later() {
        let (_directory, path, watched) = watched();
        let error = watched.current().await.unwrap_err();
        let expected = format!("cannot read {}: there is no such file", path.display());
        assert_eq!(error.to_string(), expected);

        fs::write(&path, "").unwrap();
        let error = watched.current().await.unwrap_err();
        assert_eq!(error.to_string(), format!("{} is empty", path.display()));

        fs::write(&path, "first").unwrap();
        assert_eq!(*watched.current().await.unwrap(), "first");
    }

    #[tokio::test]
    async fn callers_that_read_at_once_share_one_result() {
        let (_directory, path, watched) = watched();
        fs::write(&path, "first").unwrap();
        let (one, two) = tokio::join!(watched.current(), watched.current());
        assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn looks_at_the_files_once_a_second() {
        let (_directory, path, watched) = watched();
        fs::write(&path, "first").unwrap();
        let first = watched.current().await.unwrap();

        fs::write(&path, "the second").unwrap();
        assert_eq!(*watched.current().await.unwrap(), "first");
        tokio::time::advance(RECHECK_AFTER).await;
        assert_eq!(*watched.current().await.unwrap(), "the second");

        let newest = watched.current().await.unwrap();
        assert!(watched.newer_than(&newest).await.is_none());
        assert_eq!(*watched.newer_than(&first).await.unwrap(), "the second");
    }

    #[tokio::test(start_paused = true)]
    async fn goes_on_with_good_credentials_while_their_file_is_away() {
        let (_directory, path, watched) = watched();
        fs::write(&path, "first").unwrap();
        watched.current().await.unwrap();
        fs::remove_file(&path).unwrap();
        tokio::time::advance(RECHECK_AFTER).await;
        assert_eq!(*watched.current().await.unwrap(), "first");
        fs::write(&path, "the second").unwrap();
        tokio::time::advance(RECHECK_AFTER).await;
        assert_eq!(*watched.current().await.unwrap(), "the second");
    }

    #[test]
    fn refuses_a_file_larger_than_any_credential() {
        let (_directory, path, _) = watched();
        let file = File::create(&path).unwrap();
        file.set_len(LARGEST_FILE + 1).unwrap();
        let error = read_file(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} is too large", path.display())
        );
    }
}
