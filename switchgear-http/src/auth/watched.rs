use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
};

use switchgear_core::ErrorChain;

use super::{Audience, Authority, KeyError, SharedAuthority};
use crate::watch::{Files, Unreadable};

/// The public keys in a file, which are taken up anew when it changes.
///
/// For a rotation the file holds the old key and the new one for as long as tokens of the old one live.
///
/// ```
/// use switchgear_http::auth::{Audience, BearerLayer, SigningKey, WatchedAuthority};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("public.pem");
/// std::fs::write(&path, SigningKey::generate()?.public_pem)?;
///
/// let (authority, driver) = WatchedAuthority::read(&path, Audience::Offer)?;
/// tokio::spawn(driver);
/// let layer = BearerLayer::new(authority.shared(), "offer");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WatchedAuthority {
    path: PathBuf,
    shared: SharedAuthority,
}

impl WatchedAuthority {
    /// Reads the file, and gives what keeps up with it: a future that never ends, for a task of its
    /// own. Without it the keys stay as they are.
    ///
    /// New keys are in use within two seconds. A file that is gone or broken changes nothing, and is
    /// told of once.
    ///
    /// # Errors
    /// When the file cannot be read, holds no public key, or one that is no P-256 key.
    pub fn read(
        path: &Path,
        audience: Audience,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static + use<>), KeyError> {
        let (files, [pem]) = Files::read([path.to_owned()])
            .map_err(|Unreadable { source, .. }| KeyError::Unreadable(source))?;
        let shared = SharedAuthority::new(Authority::from_pem(&pem, audience)?);
        let watched = Self {
            path: path.to_owned(),
            shared,
        };
        let keeper = watched.clone();
        let driver = files.watch("keys", move |[pem]| {
            let authority = Authority::from_pem(&pem, audience)
                .map_err(|error| ErrorChain(&error).to_string())?;
            keeper.shared.replace(authority);
            tracing::info!("the keys in {} were taken up", keeper.path.display());
            Ok(())
        });
        Ok((watched, driver))
    }

    /// What requests are judged by, for a [`BearerLayer`](super::BearerLayer).
    pub fn shared(&self) -> SharedAuthority {
        self.shared.clone()
    }
}

impl fmt::Debug for WatchedAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedAuthority")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tracing::Level;

    use super::*;
    use crate::{
        auth::{KeyPair, SigningKey},
        testing::Recorder,
    };

    /// The bound of every wait.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn token(pair: &KeyPair) -> String {
        let key = SigningKey::from_pem(pair.private_pem.as_bytes()).unwrap();
        let minute = Duration::from_secs(60);
        key.mint(Audience::Offer, minute, std::time::SystemTime::now())
            .unwrap()
    }

    async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("waited in vain until {what}"));
    }

    #[tokio::test(start_paused = true)]
    async fn rotates_keys_and_keeps_the_old_ones_while_the_file_is_broken() {
        let recorder = Recorder::default();
        let _guard = tracing::subscriber::set_default(recorder.clone());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("public.pem");
        let old = SigningKey::generate().unwrap();
        let new = SigningKey::generate().unwrap();
        fs::write(&path, &old.public_pem).unwrap();
        let (watched, driver) = WatchedAuthority::read(&path, Audience::Offer).unwrap();
        let driver = tokio::spawn(driver);
        let shared = watched.shared();
        let is_good = |pair: &KeyPair| shared.current().verify(&token(pair)).is_ok();
        assert!(is_good(&old) && !is_good(&new));

        let both = format!("{}\n\n{}", old.public_pem, new.public_pem);
        fs::write(&path, both.replace('\n', "\r\n")).unwrap();
        wait_until("the new key is known", || is_good(&new)).await;
        assert!(is_good(&old));

        fs::write(&path, "nothing").unwrap();
        let told = format!("keeps its old keys: {}", KeyError::Missing("PUBLIC KEY"));
        wait_until("the broken file is told of", || {
            let mut logged = recorder.take().into_iter();
            logged.any(|(level, _, message)| level == Level::WARN && message.ends_with(&told))
        })
        .await;
        assert!(is_good(&old) && is_good(&new));

        fs::write(folder.path().join("next"), &new.public_pem).unwrap();
        fs::rename(folder.path().join("next"), &path).unwrap();
        wait_until("the old key is forgotten", || !is_good(&old)).await;
        assert!(is_good(&new));
        assert!(!driver.is_finished());
        driver.abort();
    }

    #[test]
    fn white_space_around_keys_is_no_fault() {
        let pair = SigningKey::generate().unwrap();
        for text in [
            format!("\n  \n{}\n\n", pair.public_pem),
            pair.public_pem.replace('\n', "\r\n"),
            pair.public_pem.trim().to_owned(),
        ] {
            let authority = Authority::from_pem(text.as_bytes(), Audience::Offer);
            let verified = authority.map(|authority| authority.verify(&token(&pair)).is_ok());
            assert!(matches!(verified, Ok(true)), "{text:?}");
        }
    }

    #[test]
    fn says_why_a_file_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("public.pem");
        let read = || WatchedAuthority::read(&path, Audience::Offer).map(drop);
        assert!(matches!(read(), Err(KeyError::Unreadable(_))));
        fs::write(&path, "nothing").unwrap();
        assert!(matches!(read(), Err(KeyError::Missing("PUBLIC KEY"))));
    }
}
