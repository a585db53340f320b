//! The call as it is without this project: tonic, and what its generator writes for `AddInvoice`.

use std::{fs, str::FromStr as _};

use http::uri::PathAndQuery;
use lightning_invoice::Bolt11Invoice;
use switchgear_core::backend::{Backend, Implementation, LndAuth, LndGrpc};
use tonic::{
    Request,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{Client, Failure, request};

/// `lnrpc.Invoice`, as far as it is sent.
#[derive(Clone, PartialEq, prost::Message)]
struct Invoice {
    #[prost(bytes = "vec", tag = "6")]
    description_hash: Vec<u8>,
    #[prost(int64, tag = "14")]
    expiry: i64,
    #[prost(int64, tag = "23")]
    value_msat: i64,
}

/// `lnrpc.AddInvoiceResponse`, as far as it is read.
#[derive(Clone, PartialEq, prost::Message)]
struct AddInvoiceResponse {
    #[prost(bytes = "vec", tag = "1")]
    r_hash: Vec<u8>,
    #[prost(string, tag = "2")]
    payment_request: String,
}

/// One node's channel and macaroon.
#[derive(Debug, Clone)]
pub struct Bare {
    channel: Channel,
    macaroon: MetadataValue<Ascii>,
    asked: Invoice,
}

impl Bare {
    /// Connects to the node.
    pub async fn connect(node: &Backend) -> Result<Self, Failure> {
        let Implementation::LndGrpc(LndGrpc { url, auth, .. }) = &node.implementation else {
            return Err("the node is no LND".into());
        };
        let LndAuth::Path {
            tls_cert_path,
            macaroon_path,
        } = auth
        else {
            return Err("the node's credentials are in no files".into());
        };
        let certificate = Certificate::from_pem(fs::read(tls_cert_path.as_str())?);
        let tls = ClientTlsConfig::new().ca_certificate(certificate);
        let channel = Endpoint::from_shared(url.as_url().to_string())?
            .tls_config(tls)?
            .tcp_nodelay(true)
            .connect()
            .await?;
        let asked = request();
        Ok(Self {
            channel,
            macaroon: hex::encode(fs::read(macaroon_path.as_str())?).parse()?,
            asked: Invoice {
                description_hash: asked.metadata.hash().to_vec(),
                expiry: i64::try_from(asked.expiry.as_secs())?,
                value_msat: i64::try_from(asked.amount.msat())?,
            },
        })
    }

    async fn ask(&self) -> Result<AddInvoiceResponse, Failure> {
        let mut message = Request::new(self.asked.clone());
        message
            .metadata_mut()
            .insert("macaroon", self.macaroon.clone());
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await?;
        let path = PathAndQuery::from_static("/lnrpc.Lightning/AddInvoice");
        let codec = ProstCodec::<Invoice, AddInvoiceResponse>::default();
        let made = grpc.unary(message, path, codec).await?.into_inner();
        if made.payment_request.is_empty() || made.r_hash.is_empty() {
            return Err("the node made no invoice".into());
        }
        Ok(made)
    }
}

impl Client for Bare {
    async fn invoice(&self) -> Result<String, Failure> {
        Ok(self.ask().await?.payment_request)
    }
}

/// The bare call by someone who looks at what came back, with nothing but the decoder.
#[derive(Debug, Clone)]
pub struct BareAndDecoded(pub Bare);

impl Client for BareAndDecoded {
    async fn invoice(&self) -> Result<String, Failure> {
        let made = self.0.ask().await?;
        // Its error is not an error of the standard library.
        let decoded = Bolt11Invoice::from_str(&made.payment_request);
        decoded.map_err(|error| error.to_string())?;
        Ok(made.payment_request)
    }
}
