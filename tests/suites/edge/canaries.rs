use std::{fs, path::Path, process::Stdio};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use switchgear_tests::{Service, Swgr, program};
use tokio::process::Command;

use crate::stage::PATIENCE;

/// All that was said, in any way.
#[derive(Default)]
pub(crate) struct Said(pub(crate) String);

impl Said {
    pub(crate) fn more(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// What the command line says on both its outputs, whatever comes of it.
    pub(crate) async fn by_cli(&mut self, swgr: &Swgr, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(program()?);
        command
            .args(["--log-level", "trace"])
            .args(arguments)
            .env(
                "DISCOVERY_STORE_HTTP_BASE_URL",
                swgr.url(Service::Discovery),
            )
            .env("DISCOVERY_STORE_HTTP_AUTHORIZATION", "discovery.token")
            .env("DISCOVERY_STORE_HTTP_TRUSTED_ROOTS", "root.pem")
            .env("OFFER_STORE_HTTP_BASE_URL", swgr.url(Service::Offer))
            .env("OFFER_STORE_HTTP_AUTHORIZATION", "offer.token")
            .env("OFFER_STORE_HTTP_TRUSTED_ROOTS", "root.pem")
            .current_dir(swgr.folder())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.with_context(|| format!("{arguments:?} does not end"))??;
        for stream in [output.stdout, output.stderr] {
            self.more(&String::from_utf8_lossy(&stream));
        }
        Ok(())
    }
}

/// Secrets, by name, each in the forms that it could be said in.
#[derive(Default)]
pub(crate) struct Canaries(pub(crate) Vec<(String, Vec<String>)>);

impl Canaries {
    /// Of the server itself: keys and tokens.
    pub(crate) fn of(swgr: &Swgr) -> anyhow::Result<Self> {
        let mut canaries = Self::default();
        for file in [
            "discovery-private.pem",
            "offer-private.pem",
            "server-key.pem",
        ] {
            canaries.take_credential(&swgr.folder().join(file))?;
        }
        for service in [Service::Discovery, Service::Offer] {
            let file = swgr.token(service);
            let token = fs::read_to_string(&file)?;
            let (_, signature) = token.trim().rsplit_once('.').context("no token")?;
            canaries.take_text(&file.display().to_string(), signature);
        }
        Ok(canaries)
    }

    /// A file of PEM with a private key, or a macaroon; certificates are no secrets.
    pub(crate) fn take_credential(&mut self, path: &Path) -> anyhow::Result<()> {
        let content = fs::read(path)?;
        let name = path.display().to_string();
        match String::from_utf8(content) {
            Ok(pem) if pem.contains("PRIVATE KEY") => {
                let line = pem.lines().nth(1).context("an empty key")?;
                self.take_text(&name, line);
            }
            Ok(pem) if pem.contains("CERTIFICATE") => {}
            Ok(text) => self.take(&name, text.as_bytes()),
            Err(error) => self.take(&name, error.as_bytes()),
        }
        Ok(())
    }

    pub(crate) fn take_text(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), vec![text.to_owned()]));
    }

    /// Bytes: as hex, as base64, and as a debug print lists them. Their end alone, as what comes before
    /// is alike in all of a kind.
    pub(crate) fn take(&mut self, name: &str, bytes: &[u8]) {
        let end = &bytes[bytes.len().saturating_sub(12)..];
        let listed = format!("{end:?}");
        let forms = vec![
            hex::encode(end),
            hex::encode_upper(end),
            STANDARD.encode(bytes),
            listed.trim_matches(['[', ']']).to_owned(),
        ];
        self.0.push((name.to_owned(), forms));
    }

    pub(crate) fn found_in(&self, said: &str) -> Vec<String> {
        let is_said = |forms: &[String]| forms.iter().any(|form| said.contains(form.as_str()));
        let found = self.0.iter().filter(|(_, forms)| is_said(forms));
        found.map(|(name, _)| name.clone()).collect()
    }
}
