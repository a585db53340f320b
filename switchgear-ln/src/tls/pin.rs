use std::time::Duration;

use rustls::{
    CertificateError, Error,
    pki_types::{CertificateDer, UnixTime},
};
use x509_parser::parse_x509_certificate;

use super::error::PemFileError;

/// A certificate that is accepted whatever it says of itself, except its dates.
#[derive(Debug)]
pub(super) struct Pin {
    certificate: CertificateDer<'static>,
    validity: Validity,
}

impl Pin {
    /// Accepts `certificate`.
    pub(super) fn try_new(certificate: CertificateDer<'static>) -> Result<Self, PemFileError> {
        let validity = Validity::of(&certificate)?;
        Ok(Self {
            certificate,
            validity,
        })
    }

    /// Whether `presented` is the certificate, byte for byte.
    pub(super) fn is(&self, presented: &CertificateDer<'_>) -> bool {
        self.certificate == *presented
    }

    /// Whether the certificate holds at `now`.
    pub(super) fn check(&self, now: UnixTime) -> Result<(), Error> {
        self.validity.check(now)
    }
}

/// When a certificate holds, in seconds since the Unix epoch, both ends included (RFC 5280, 4.1.2.5).
#[derive(Debug, Clone, Copy)]
struct Validity {
    not_before: i64,
    not_after: i64,
}

impl Validity {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, PemFileError> {
        let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| PemFileError::Broken)?;
        let validity = parsed.validity();
        Ok(Self {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    fn check(self, time: UnixTime) -> Result<(), Error> {
        let now = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        if now < self.not_before {
            let not_before = unix_time(self.not_before);
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if now > self.not_after {
            let not_after = unix_time(self.not_after);
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        Ok(())
    }
}

fn unix_time(seconds: i64) -> UnixTime {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
