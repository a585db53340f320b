use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use reqwest::Certificate;

/// Many times what an answer takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// The certificate of the one authority to trust.
pub(crate) fn authority(path: &Path) -> anyhow::Result<Certificate> {
    let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Certificate::from_pem(&pem)?)
}
