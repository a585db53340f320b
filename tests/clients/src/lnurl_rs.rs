use std::{env, path::Path};

use anyhow::Context as _;
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
use lnurl::{AsyncClient, Error, LnUrlResponse, lnurl::LnUrl};
use serde_json::json;

use crate::web;

/// The argument behind which this program is a wallet that is built on the crate `lnurl-rs`.
pub(crate) const COMMAND: &str = "lnurl-rs";

/// Pays like every other client: prints the invoice, or the error that a user would see.
pub(crate) fn run(lnurl: &str, satoshi: &str, comment: &str) -> anyhow::Result<()> {
    let authorities = env::var_os("SSL_CERT_FILE").context("SSL_CERT_FILE is not set")?;
    let http = reqwest::Client::builder()
        .tls_built_in_root_certs(false)
        .add_root_certificate(web::authority(Path::new(&authorities))?)
        .timeout(web::TIMEOUT)
        .build()?;
    let client = AsyncClient::from_client(http);
    let millisatoshi = satoshi.parse::<u64>()? * 1000;
    let version = version().context("the lock file has no lnurl-rs")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let said = match runtime.block_on(pay(&client, lnurl, millisatoshi, comment)) {
        Ok(invoice) => json!({"version": version, "invoice": invoice}),
        Err(error) => json!({"version": version, "error": error.to_string()}),
    };
    println!("{said}");
    Ok(())
}

async fn pay(
    client: &AsyncClient,
    lnurl: &str,
    millisatoshi: u64,
    comment: &str,
) -> Result<String, Error> {
    let lnurl = LnUrl::decode(lnurl.to_owned())?;
    let LnUrlResponse::LnUrlPayResponse(pay) = client.make_request(&lnurl.url).await? else {
        return Err(Error::InvalidResponse);
    };
    // The amount is verified in here.
    let answer = client
        .get_invoice(&pay, millisatoshi, None, Some(comment))
        .await?;
    // The crate leaves the hash of the description to the wallet.
    let invoice: Bolt11Invoice = answer
        .invoice()
        .parse()
        .map_err(|error| Error::InvalidInvoice(format!("{error}")))?;
    match invoice.description() {
        Bolt11InvoiceDescriptionRef::Hash(hash)
            if AsRef::<[u8]>::as_ref(&hash.0) == pay.metadata_hash() => {}
        other => {
            let text = format!("the description is not the metadata's hash, but {other:?}");
            return Err(Error::InvalidInvoice(text));
        }
    }
    Ok(answer.pr)
}

/// Which version of it was compiled in.
fn version() -> Option<&'static str> {
    let (_, after) =
        include_str!("../Cargo.lock").split_once("name = \"lnurl-rs\"\nversion = \"")?;
    after.split_once('"').map(|(version, _)| version)
}
