use std::{io::Cursor, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use url::Url;

use super::{args::HealthArgs, input::openable, remote::service_url};
use crate::Failure;

/// Asks `/health` of a service, and fails unless it answers 200.
pub(super) async fn run(args: &HealthArgs) -> Result<(), Failure> {
    let url = service_url("the URL", &args.url)?;
    let roots = args.trusted_roots.iter().map(|path| openable(path));
    let roots = match url.scheme() {
        "https" => trusted(&roots.collect::<Result<Vec<_>, _>>()?)?,
        _ => RootCertStore::empty(),
    };
    Ok(check(&url, roots, args.timeout).await?)
}

async fn check(url: &Url, roots: RootCertStore, timeout: Duration) -> anyhow::Result<()> {
    let base = url.as_str().trim_end_matches('/');
    let uri: Uri = match base.ends_with("/health") || base.ends_with("/health/full") {
        true => base.parse(),
        false => format!("{base}/health").parse(),
    }
    .with_context(|| format!("{base} is not the URL of a service"))?;
    let client: Client<_, Empty<Cursor<&'static [u8]>>> =
        Client::builder(TokioExecutor::new()).build(connector(roots));
    let request = Request::get(&uri).body(Empty::new())?;
    let status = within(timeout, client.request(request))
        .await?
        .with_context(|| format!("asking {uri}"))?
        .status();
    if status != StatusCode::OK {
        bail!("{uri} answered {status}");
    }
    Ok(())
}

fn connector(roots: RootCertStore) -> HttpsConnector<HttpConnector> {
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = HttpsConnectorBuilder::new().with_tls_config(config);
    builder.https_or_http().enable_http1().build()
}

fn trusted(bundles: &[PathBuf]) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if bundles.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for path in bundles {
        let name = || format!("reading the trusted roots {}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(name)? {
            roots
                .add(certificate.with_context(name)?)
                .with_context(name)?;
        }
    }
    Ok(roots)
}

async fn within<F: Future>(timeout: Duration, future: F) -> anyhow::Result<F::Output> {
    tokio::time::timeout(timeout, future)
        .await
        .with_context(|| format!("there was no answer within {timeout:?}"))
}
