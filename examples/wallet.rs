use std::str::FromStr as _;

use anyhow::{Context as _, bail, ensure};
use bitcoin_hashes::{Hash as _, sha256};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
use serde::{Deserialize, de::DeserializeOwned};
use switchgear_core::lnurl;
use url::Url;

/// A payer's wallet as LUD-01 and LUD-06 describe it. It believes nothing: each invoice is checked
/// against what the offer promised.
#[derive(Debug, Clone)]
pub struct Wallet {
    http: Client<HttpConnector, Empty<&'static [u8]>>,
}

/// What an offer says of itself: LUD-06, step 3.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayOffer {
    /// Where invoices are had.
    pub callback: Url,
    /// The least amount, in msat.
    pub min_sendable: u64,
    /// The greatest amount, in msat.
    pub max_sendable: u64,
    /// The metadata, whose bytes each invoice commits to.
    pub metadata: String,
    tag: String,
}

/// An invoice that is what was asked for.
#[derive(Debug, Clone)]
pub struct PayInvoice {
    /// The text to pay.
    pub bolt11: String,
    /// The node that made it: 66 hex digits.
    pub payee: String,
    /// What the payment is known by: 64 hex digits.
    pub payment_hash: String,
    /// The amount, in msat.
    pub msat: u64,
}

impl Wallet {
    /// A wallet with its own connections.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Looks at the offer behind an LNURL, in its bech32 form or as a plain URL.
    ///
    /// # Errors
    /// When there is no such offer, or it is no payRequest.
    pub async fn look(&self, lnurl: &str) -> anyhow::Result<PayOffer> {
        let url = lnurl::decode(lnurl).or_else(|error| {
            let plain = lnurl.starts_with("http").then(|| lnurl.to_owned());
            plain.ok_or(error)
        })?;
        let offer: PayOffer = self.get(&url).await?;
        ensure!(offer.tag == "payRequest", "the tag is {:?}", offer.tag);
        Ok(offer)
    }

    /// Asks for an invoice of `msat`, and checks its amount, its description hash and its signature.
    ///
    /// # Errors
    /// When there is none, or it is another than was asked for.
    pub async fn invoice(&self, offer: &PayOffer, msat: u64) -> anyhow::Result<PayInvoice> {
        #[derive(Deserialize)]
        struct Answer {
            pr: String,
        }

        let mut url = offer.callback.clone();
        url.query_pairs_mut()
            .append_pair("amount", &msat.to_string());
        let Answer { pr } = self.get(url.as_str()).await?;
        let invoice = Bolt11Invoice::from_str(&pr).context("the invoice does not decode")?;
        ensure!(
            invoice.amount_milli_satoshis() == Some(msat),
            "the amount is {:?} msat instead of {msat}",
            invoice.amount_milli_satoshis()
        );
        let hash = sha256::Hash::hash(offer.metadata.as_bytes());
        match invoice.description() {
            Bolt11InvoiceDescriptionRef::Hash(got)
                if got.0.to_byte_array() == hash.to_byte_array() => {}
            _ => bail!("the invoice commits to another description"),
        }
        Ok(PayInvoice {
            payee: invoice.recover_payee_pub_key().to_string(),
            payment_hash: invoice.payment_hash().to_string(),
            bolt11: pr,
            msat,
        })
    }

    /// The text at `url`, whatever its status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn text(&self, url: &str) -> anyhow::Result<(http::StatusCode, String)> {
        let answer = self.http.get(url.parse()?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec())?))
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let (status, body) = self.text(url).await?;
        ensure!(status.is_success(), "{status}: {body}");
        serde_json::from_str(&body).with_context(|| format!("{url} answered {body}"))
    }
}

impl Default for Wallet {
    fn default() -> Self {
        Self::new()
    }
}
