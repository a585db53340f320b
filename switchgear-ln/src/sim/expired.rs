use std::{fs, io, path::PathBuf};

use super::SimCertificate;

/// A certificate that is over, and that stands in the file of the good one: LND's clients trust the
/// very file, so that what is shown must stand in it.
#[derive(Debug)]
pub(super) struct Expired {
    path: PathBuf,
    certificate: SimCertificate,
    /// What the file held.
    held: Option<Vec<u8>>,
}

impl Expired {
    pub(super) fn new(path: PathBuf, certificate: SimCertificate) -> Self {
        Self {
            path,
            certificate,
            held: None,
        }
    }

    pub(super) fn certificate(&self) -> &SimCertificate {
        &self.certificate
    }

    /// Takes the place of what the file holds; late credentials stay away.
    pub(super) fn take_place(&mut self) -> io::Result<()> {
        let found = match fs::read(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if found != self.certificate.pem().as_bytes() {
            fs::write(&self.path, self.certificate.pem())?;
            self.held = Some(found);
        }
        Ok(())
    }

    /// Keeps `pem` for the file.
    pub(super) fn hold(&mut self, pem: &str) {
        self.held = Some(pem.as_bytes().to_owned());
    }

    /// Writes back what the file held, unless somebody wrote another since.
    pub(super) fn give_place(&self) -> io::Result<()> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        let found = fs::read(&self.path);
        if found.is_ok_and(|found| found == self.certificate.pem().as_bytes()) {
            fs::write(&self.path, held)?;
        }
        Ok(())
    }
}
