use std::{env, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::{install, lnurl_rs, process, stage::Stage};

/// Many times what a client needs, a browser too, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A client that others wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// The crate `lnurl-rs`.
    LnurlRs,
    /// `lnurl-pay` of npm.
    LnurlPay,
    /// `@getalby/lightning-tools` of npm.
    LightningTools,
    /// `lnurl` of PyPI.
    PythonLnurl,
    /// A page of another origin, in Chromium.
    Browser,
}

/// When a client shows its user the reason of an LNURL error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShowsReason {
    /// Whatever the status is.
    Always,
    /// Of an answer of status 200; of others it shows the status alone.
    As200,
    /// Never: it says the status, or that it got no invoice.
    Never,
}

/// What a client said at the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// Its name and version.
    pub(crate) version: String,
    /// The invoice that it would pay.
    pub(crate) invoice: Option<String>,
    /// What it shows its user instead.
    pub(crate) error: Option<String>,
}

impl Client {
    pub(crate) const ALL: [Self; 5] = [
        Self::LnurlRs,
        Self::LnurlPay,
        Self::LightningTools,
        Self::PythonLnurl,
        Self::Browser,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LnurlRs => "lnurl-rs",
            Self::LnurlPay => "lnurl-pay",
            Self::LightningTools => "lightning-tools",
            Self::PythonLnurl => "python lnurl",
            Self::Browser => "browser",
        }
    }

    /// What its source says; it is asserted of the versions that are pinned.
    pub(crate) const fn shows_reason(self) -> ShowsReason {
        match self {
            Self::Browser => ShowsReason::Always,
            Self::LnurlPay | Self::PythonLnurl => ShowsReason::As200,
            Self::LnurlRs | Self::LightningTools => ShowsReason::Never,
        }
    }

    /// Installs what it needs; gives how to start it.
    pub(crate) fn install(self) -> anyhow::Result<Program> {
        let (program, arguments) = match self {
            Self::LnurlRs => (env::current_exe()?, vec![PathBuf::from(lnurl_rs::COMMAND)]),
            Self::LnurlPay => node("lnurl-pay.mjs")?,
            Self::LightningTools => node("lightning-tools.mjs")?,
            Self::PythonLnurl => (install::python()?, vec![install::source("python/pay.py")]),
            Self::Browser => {
                let chromium = install::on_path("chromium")?;
                let (node, mut arguments) = node("browser.mjs")?;
                arguments.push(chromium);
                (node, arguments)
            }
        };
        Ok(Program { program, arguments })
    }
}

fn node(script: &str) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let folder = install::javascript()?;
    Ok((install::on_path("node")?, vec![folder.join(script)]))
}

/// How a client is started.
#[derive(Debug)]
pub(crate) struct Program {
    program: PathBuf,
    /// The first of its arguments.
    arguments: Vec<PathBuf>,
}

impl Program {
    /// Lets it pay `satoshi` to `lnurl`.
    pub(crate) fn pay(
        &self,
        stage: &Stage,
        lnurl: &str,
        satoshi: u64,
        comment: &str,
    ) -> anyhow::Result<Answer> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .args([lnurl, &satoshi.to_string(), comment])
            .env("SSL_CERT_FILE", stage.authority())
            .env("NODE_EXTRA_CA_CERTS", stage.authority())
            // For Chromium, which has no such variable.
            .env("TRUSTED_KEY", &stage.fingerprint)
            .env("PICTURES", install::folder()?);
        for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
            // The service is on this machine.
            command.env_remove(proxy).env_remove(proxy.to_uppercase());
        }
        let said = process::output(command, "", stage.folder(), PATIENCE)?;
        let answer: Answer = serde_json::from_str(&said)
            .with_context(|| format!("it printed no answer, but {said}"))?;
        ensure!(
            answer.invoice.is_some() != answer.error.is_some(),
            "it wants an invoice or an error: {said}"
        );
        Ok(answer)
    }
}
