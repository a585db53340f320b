use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use switchgear_core::ErrorChain;
use switchgear_http::auth::{Audience, Authority, SharedAuthority};

use crate::{
    Failure,
    config::{ConfigError, ServiceKind},
};

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// The public keys in a service's `auth-authority`, and what keeps them up with the file.
pub(super) struct WatchedAuthority {
    path: PathBuf,
    audience: Audience,
    content: Vec<u8>,
    shared: SharedAuthority,
}

impl WatchedAuthority {
    /// Reads the file of `kind`.
    pub(super) fn read(
        path: &Path,
        audience: Audience,
        kind: ServiceKind,
    ) -> Result<Self, Failure> {
        let refuse = |message: String| {
            Failure::Config(ConfigError::Unusable {
                key: format!("{}.auth-authority", kind.key()),
                message: format!("{}: {message}", path.display()),
            })
        };
        let content = fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let authority = Authority::from_pem(&content, audience)
            .map_err(|error| refuse(ErrorChain(&error).to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            audience,
            content,
            shared: SharedAuthority::new(authority),
        })
    }

    /// What requests are judged by.
    pub(super) fn shared(&self) -> SharedAuthority {
        self.shared.clone()
    }

    /// Takes up new keys as they come. A file that is gone or broken changes nothing, and is told of
    /// once.
    pub(super) async fn watch(mut self) {
        let mut told: Option<String> = None;
        loop {
            tokio::time::sleep(PERIOD).await;
            let fault = self.refresh().await.err();
            if let Some(message) = fault.as_ref().filter(|fault| told.as_ref() != Some(*fault)) {
                tracing::warn!("{} keeps its old keys: {message}", self.path.display());
            }
            told = fault;
        }
    }

    async fn refresh(&mut self) -> Result<(), String> {
        let content = tokio::fs::read(&self.path).await;
        let content = content.map_err(|error| error.to_string())?;
        if content == self.content {
            return Ok(());
        }
        let authority = Authority::from_pem(&content, self.audience)
            .map_err(|error| ErrorChain(&error).to_string())?;
        self.shared.replace(authority);
        self.content = content;
        tracing::info!("the keys in {} were taken up", self.path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use switchgear_http::auth::SigningKey;

    use super::*;

    #[tokio::test]
    async fn takes_up_new_keys_and_keeps_the_old_ones_while_the_file_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("public.pem");
        let (old, new) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );
        fs::write(&path, &old.public_pem).unwrap();
        let mut watched =
            WatchedAuthority::read(&path, Audience::Offer, ServiceKind::Offer).unwrap();
        let token = |pem: &str| {
            let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
            let minute = Duration::from_secs(60);
            key.mint(Audience::Offer, minute, SystemTime::now())
                .unwrap()
        };
        let shared = watched.shared();

        fs::write(&path, "nothing").unwrap();
        assert!(watched.refresh().await.unwrap_err().contains("PEM"));
        assert!(shared.current().verify(&token(&old.private_pem)).is_ok());

        fs::write(&path, format!("{}{}", old.public_pem, new.public_pem)).unwrap();
        watched.refresh().await.unwrap();
        assert!(shared.current().verify(&token(&old.private_pem)).is_ok());
        assert!(shared.current().verify(&token(&new.private_pem)).is_ok());
    }
}
