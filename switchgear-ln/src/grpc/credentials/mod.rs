use std::{
    fmt,
    ops::Deref,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use tokio::{
    task,
    time::{Instant, timeout},
};

use super::file::CredentialError;
use crate::tls::Trust;

/// How often credentials in use are compared with their files.
const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// How long files that cannot be used are left alone: a busy node without its files would otherwise
/// have the disk asked at every call.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// How long a caller that has other credentials to go on with waits for a look at the files.
const PATIENCE_WITH_CREDENTIALS: Duration = Duration::from_millis(100);

/// How long a caller that cannot do without waits for the files to be read.
const PATIENCE: Duration = Duration::from_secs(1);

/// Credentials that are made of files.
pub(crate) trait CredentialSource: Send + Sync + fmt::Debug + 'static {
    /// What the files make. Those that are equal may stand for one another.
    type Credentials: Trusted + PartialEq;

    /// The files that a change of is a change of the credentials.
    fn files(&self) -> Vec<&Path>;

    /// Reads the files; blocks.
    fn load(&self) -> Result<Self::Credentials, CredentialError>;
}

/// Credentials that a connection is made with.
pub(crate) trait Trusted: Send + Sync + 'static {
    /// The part that the connection hangs on: another one is another connection.
    fn trust(&self) -> &Arc<Trust>;
}

/// Credentials, and how many others the files held before them.
pub(super) struct Versioned<C> {
    credentials: C,
    version: u64,
}

impl<C> Versioned<C> {
    /// Later ones have a higher number.
    pub(super) fn version(&self) -> u64 {
        self.version
    }
}

impl<C> Deref for Versioned<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.credentials
    }
}

/// Leaves out the credentials.
impl<C> fmt::Debug for Versioned<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Credentials that follow their files: read when first needed, and again when they changed.
///
/// Credentials that were once good stay in use while their files cannot be read, so that a rotation
/// caught halfway costs nothing. At most one thread reads at a time, whoever asks and leaves; a disk
/// that hangs holds up that thread, and a caller for a bounded time.
pub(super) struct Watched<S: CredentialSource> {
    inner: Arc<Inner<S>>,
}

/// Leaves out the credentials.
impl<S: CredentialSource> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("source", &self.inner.source)
            .finish_non_exhaustive()
    }
}

impl<S: CredentialSource> Watched<S> {
    /// Reads nothing yet.
    pub(super) fn new(source: S) -> Self {
        let state = Mutex::new(State::default());
        Self {
            inner: Arc::new(Inner { source, state }),
        }
    }

    /// The credentials as they are on disk, or were a second ago.
    ///
    /// One caller looks at the files; the others go on with what is known meanwhile, and so does that
    /// one when the files take long.
    pub(super) async fn current(&self) -> Outcome<S::Credentials> {
        let known = self.inner.state.lock().known(Instant::now());
        match known {
            Known::Fresh(outcome) => outcome,
            Known::Aged(credentials) => match self.inner.read(Look::IfChanged) {
                (reading, Began::Now) => timeout(PATIENCE_WITH_CREDENTIALS, reading)
                    .await
                    .unwrap_or(Ok(credentials)),
                (_, Began::Before) => Ok(credentials),
            },
            Known::Nothing => {
                let (reading, _) = self.inner.read(Look::IfChanged);
                let outcome = timeout(PATIENCE, reading).await;
                outcome.unwrap_or_else(|_| self.inner.gave_up())
            }
        }
    }

    /// What the files hold now, if that is something else than `refused`.
    ///
    /// It is read whatever the files' dates say: two changes may be too close for a date. That there
    /// is nothing else is remembered for a moment.
    pub(super) async fn newer_than(
        &self,
        refused: &Versioned<S::Credentials>,
    ) -> Option<Arc<Versioned<S::Credentials>>> {
        {
            let state = self.inner.state.lock();
            if let Some(known) = state.newer_than(refused) {
                return Some(known);
            }
            if state.is_known_for_the_latest(refused, Instant::now()) {
                return None;
            }
        }
        self.inner.read_anew().await;
        let mut state = self.inner.state.lock();
        let newer = state.newer_than(refused);
        if newer.is_none() {
            state.latest = Some((refused.version, Instant::now()));
        }
        newer
    }
}

type Outcome<C> = Result<Arc<Versioned<C>>, Arc<CredentialError>>;
type Reading<C> = Shared<BoxFuture<'static, Outcome<C>>>;

/// When to read files whose dates have not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    IfChanged,
    Always,
}

/// Whether a read began before it was asked for; then it may have missed the latest change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Began {
    Before,
    Now,
}

struct Inner<S: CredentialSource> {
    source: S,
    state: Mutex<State<S::Credentials>>,
}

impl<S: CredentialSource> Inner<S> {
    /// Joins the read that is going on, or starts one; it goes on when nobody waits for it.
    fn read(self: &Arc<Self>, look: Look) -> (Reading<S::Credentials>, Began) {
        let mut state = self.state.lock();
        if let Some(reading) = &state.reading
            && reading.peek().is_none()
        {
            return (reading.clone(), Began::Before);
        }
        let inner = Arc::clone(self);
        let task = task::spawn_blocking(move || inner.read_now(look));
        let interrupted = |_| Err(Arc::new(CredentialError::Interrupted));
        let reading = async move { task.await.unwrap_or_else(interrupted) }
            .boxed()
            .shared();
        state.reading = Some(reading.clone());
        (reading, Began::Now)
    }

    /// Waits for a read that begins now, or as long as anybody waits.
    async fn read_anew(self: &Arc<Self>) {
        let (reading, began) = self.read(Look::Always);
        if timeout(PATIENCE, reading).await.is_ok() && began == Began::Before {
            let _ = timeout(PATIENCE, self.read(Look::Always).0).await;
        }
    }

    /// What a caller gets that has waited too long; those who come in the next moment need not wait.
    fn gave_up(&self) -> Outcome<S::Credentials> {
        let mut state = self.state.lock();
        if let Some(credentials) = &state.credentials {
            return Ok(Arc::clone(credentials));
        }
        let files = self.source.files().into_iter().map(Path::to_owned);
        let failure = Arc::new(CredentialError::Slow(files.collect()));
        state.checked = Some(Instant::now());
        state.failure = Some(Arc::clone(&failure));
        Err(failure)
    }

    fn read_now(&self, look: Look) -> Outcome<S::Credentials> {
        let stamps = stamps(&self.source.files());
        {
            let mut state = self.state.lock();
            if look == Look::IfChanged && stamps == state.stamps && state.credentials.is_some() {
                return state.settle(None);
            }
        }
        let loaded = self.source.load();
        let mut state = self.state.lock();
        if loaded.is_ok() {
            state.stamps = stamps;
        }
        state.settle(Some(loaded))
    }
}

/// What is known without a look at the files.
enum Known<C> {
    /// It was looked at a moment ago.
    Fresh(Outcome<C>),
    /// It may be used, and it is time to look.
    Aged(Arc<Versioned<C>>),
    Nothing,
}

struct State<C> {
    checked: Option<Instant>,
    stamps: Vec<Stamp>,
    credentials: Option<Arc<Versioned<C>>>,
    /// The version that was refused and is still what the files hold, and when that was seen.
    latest: Option<(u64, Instant)>,
    failure: Option<Arc<CredentialError>>,
    reading: Option<Reading<C>>,
}

impl<C: PartialEq> State<C> {
    /// What may be used without a look at the files; else the look is the caller's to take.
    fn known(&mut self, now: Instant) -> Known<C> {
        let age = self.checked.map(|checked| now.duration_since(checked));
        match (&self.credentials, &self.failure) {
            (Some(credentials), _) => {
                let credentials = Arc::clone(credentials);
                if age.is_some_and(|age| age < RECHECK_AFTER) {
                    return Known::Fresh(Ok(credentials));
                }
                // The others go on with these meanwhile.
                self.checked = Some(now);
                Known::Aged(credentials)
            }
            (None, Some(failure)) if age.is_some_and(|age| age < RETRY_AFTER) => {
                Known::Fresh(Err(Arc::clone(failure)))
            }
            (None, _) => Known::Nothing,
        }
    }

    fn newer_than(&self, refused: &Versioned<C>) -> Option<Arc<Versioned<C>>> {
        let known = self.credentials.as_ref()?;
        (known.version > refused.version).then(|| Arc::clone(known))
    }

    fn is_known_for_the_latest(&self, refused: &Versioned<C>, now: Instant) -> bool {
        self.latest.is_some_and(|(version, seen)| {
            version == refused.version && now.duration_since(seen) < RETRY_AFTER
        })
    }

    /// Takes in what was loaded, if anything had to be.
    fn settle(&mut self, loaded: Option<Result<C, CredentialError>>) -> Outcome<C> {
        self.reading = None;
        self.checked = Some(Instant::now());
        match loaded {
            Some(Ok(loaded)) => {
                self.failure = None;
                self.replace(loaded);
            }
            Some(Err(error)) => {
                if self.credentials.is_some() && self.failure.is_none() {
                    tracing::warn!(%error, "credentials changed and cannot be used, going on with those before");
                }
                self.failure = Some(Arc::new(error));
            }
            None => self.failure = None,
        }
        match (&self.credentials, &self.failure) {
            (Some(credentials), _) => Ok(Arc::clone(credentials)),
            (None, Some(failure)) => Err(Arc::clone(failure)),
            (None, None) => Err(Arc::new(CredentialError::Interrupted)),
        }
    }

    /// Equal credentials stay the ones they are.
    fn replace(&mut self, loaded: C) {
        let known = self.credentials.as_deref();
        if known.is_some_and(|known| known.credentials == loaded) {
            return;
        }
        let version = known.map_or(0, |known| known.version + 1);
        self.credentials = Some(Arc::new(Versioned {
            credentials: loaded,
            version,
        }));
    }
}

impl<C> Default for State<C> {
    fn default() -> Self {
        Self {
            checked: None,
            stamps: Vec::new(),
            credentials: None,
            latest: None,
            failure: None,
            reading: None,
        }
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

#[cfg(test)]
mod tests;
