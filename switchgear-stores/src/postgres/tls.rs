use std::{path::PathBuf, sync::Arc};

use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    database::no_value,
    url::{UrlOptions, invalid},
    verifier::{Trust, Verifier},
};

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    fn try_new(text: &str) -> Result<Self, StoreError> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                let modes = "disable, allow, prefer, require, verify-ca or verify-full";
                return Err(no_value("sslmode", modes));
            }
        })
    }

    /// What to try one after the other. The driver's `Prefer` takes a server's word that it has no
    /// TLS, yet gives up when TLS fails; libpq then tries without.
    pub(super) fn attempts(self) -> &'static [DriverMode] {
        match self {
            Self::Disable => &[DriverMode::Disable],
            Self::Allow => &[DriverMode::Disable, DriverMode::Require],
            Self::Prefer => &[DriverMode::Prefer, DriverMode::Disable],
            Self::Require | Self::VerifyCa | Self::VerifyFull => &[DriverMode::Require],
        }
    }
}

/// Whether to speak TLS, whom to trust, and who this side is.
///
/// The files are read for each connection, so that those which change on disk are taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    roots: Option<Roots>,
    /// A certificate and its key.
    identity: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
}

impl Tls {
    pub(super) fn try_from_options(options: &mut UrlOptions) -> Result<Self, StoreError> {
        let roots = options.take("sslrootcert").map(|path| match path.as_str() {
            "system" => Roots::System,
            _ => Roots::File(PathBuf::from(path)),
        });
        let mode = mode(options, roots.as_ref())?;
        let identity = match (options.take("sslcert"), options.take("sslkey")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => {
                return Err(invalid(
                    "the database URL's options sslcert and sslkey need each other",
                ));
            }
        };
        Ok(Self {
            mode,
            roots,
            identity,
        })
    }

    /// Reads the files. Blocks.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let verifier = Verifier::try_new(self.trust()?)?;
        // The provider is named here, so that no order of set-up in a process can change it.
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS cannot be set up").with_source(error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unreadable("sslkey").with_source(error))?;
                builder
                    .with_client_auth_cert(certificates(certificate, "sslcert")?, key)
                    .map_err(|error| {
                        let message = "the files of the database URL's sslcert and sslkey do not belong together";
                        unusable(message).with_source(error)
                    })?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    /// As libpq: roots that are given are used, and the name is looked at by `verify-full` only.
    fn trust(&self) -> Result<Trust, StoreError> {
        let named = self.mode == SslMode::VerifyFull;
        match &self.roots {
            Some(Roots::File(path)) => Ok(Trust::Signed {
                roots: certificates(path, "sslrootcert")?,
                named,
            }),
            None if !named => Ok(Trust::Anyone),
            None | Some(Roots::System) => Ok(Trust::Signed {
                roots: rustls_native_certs::load_native_certs().certs,
                named: true,
            }),
        }
    }
}

fn mode(options: &mut UrlOptions, roots: Option<&Roots>) -> Result<SslMode, StoreError> {
    let asked = options.take("sslmode");
    // JDBC's way to say it, which libpq takes too.
    let ssl = match options.take("ssl").as_deref() {
        None => None,
        Some("true") => Some(SslMode::Require),
        Some(_) => return Err(no_value("ssl", "true; see sslmode")),
    };
    let asked = asked.as_deref().map(SslMode::try_new).transpose()?.or(ssl);
    match (roots, asked) {
        // Anybody can have a certificate that the system's authorities signed.
        (Some(Roots::System), Some(mode)) if mode != SslMode::VerifyFull => Err(invalid(
            "sslrootcert=system needs sslmode=verify-full in the database URL",
        )),
        (Some(Roots::System), _) => Ok(SslMode::VerifyFull),
        (None, Some(SslMode::VerifyCa)) => Err(invalid(
            "sslmode=verify-ca needs sslrootcert in the database URL",
        )),
        (_, asked) => Ok(asked.unwrap_or(SslMode::Prefer)),
    }
}

fn certificates(path: &PathBuf, option: &str) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let unreadable = |error| unreadable(option).with_source(error);
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        let message = format!("the file of the database URL's {option} holds no certificate");
        return Err(unusable(message));
    }
    Ok(certificates)
}

fn unreadable(option: &str) -> StoreError {
    unusable(format!(
        "the file of the database URL's {option} cannot be read: it must be PEM that this user may read"
    ))
}

pub(super) fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(options: &str) -> Result<Tls, StoreError> {
        let url = format!("postgres://db/x?{options}");
        Tls::try_from_options(&mut UrlOptions::try_from_url(&url)?)
    }

    #[test]
    fn reads_the_modes() {
        for (options, mode) in [
            ("", SslMode::Prefer),
            ("sslmode=disable", SslMode::Disable),
            ("sslmode=allow", SslMode::Allow),
            ("sslmode=require", SslMode::Require),
            ("ssl=true", SslMode::Require),
            ("sslmode=verify-ca&sslrootcert=/ca.pem", SslMode::VerifyCa),
            ("sslmode=verify-full", SslMode::VerifyFull),
            ("sslrootcert=system", SslMode::VerifyFull),
            ("sslrootcert=/ca.pem", SslMode::Prefer),
        ] {
            assert_eq!(tls(options).unwrap().mode, mode, "{options}");
        }
    }

    #[test]
    fn verifies_as_libpq_does() {
        let trust = |options: &str| tls(options).unwrap().trust();
        for options in ["", "sslmode=allow", "sslmode=require"] {
            assert!(matches!(trust(options), Ok(Trust::Anyone)), "{options}");
        }
        for options in ["sslmode=verify-full", "sslrootcert=system"] {
            assert!(
                matches!(trust(options), Ok(Trust::Signed { named: true, .. })),
                "{options}"
            );
        }
        for options in ["sslmode=require&", "sslmode=verify-ca&", ""] {
            let options = format!("{options}sslrootcert=/nonexistent.pem");
            let message = trust(&options).err().unwrap().to_string();
            assert!(message.contains("sslrootcert cannot be read"), "{message}");
        }
    }

    #[test]
    fn refuses_what_would_check_less_than_it_says() {
        for (options, part) in [
            ("sslmode=verify-ca", "needs sslrootcert"),
            (
                "sslmode=require&sslrootcert=system",
                "needs sslmode=verify-full",
            ),
            ("sslcert=/c.pem", "need each other"),
            ("sslkey=/k.pem", "need each other"),
            ("ssl=false", "ssl must be true"),
        ] {
            let message = tls(options).unwrap_err().to_string();
            assert!(message.contains(part), "{options}: {message}");
        }
    }
}
