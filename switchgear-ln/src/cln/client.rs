use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use switchgear_core::{
    Millisatoshi,
    backend::ClnGrpc,
    ln::{Invoice, InvoiceRequest, LnClient, LnError, LnErrorKind, NodeStatus},
};
use tonic::{Response, Status};

use super::{
    channels::{inbound, private_names},
    classify::{call_failure, cannot_hint},
    credentials::ClnFiles,
    proto::{
        self, Amount, AmountOrAny, GetinfoRequest, GetinfoResponse, InvoiceResponse,
        ListpeerchannelsChannels, ListpeerchannelsRequest, amount_or_any, node_client::NodeClient,
    },
};
use crate::{
    grpc::{Channel, ChannelList, LARGEST_ANSWER, LARGEST_CHANNEL_LIST, Node, Told, invoice},
    tls::TrustSets,
};

/// A client of one Core Lightning node, through its `cln-grpc` plugin and mutual TLS.
///
/// Making one does no IO. The first call reads the credential files and connects; all calls share
/// one HTTP/2 connection, which is made anew after it broke. Files that change are taken up within a
/// second, and at once when the node refuses what they held before.
///
/// An invoice commits to the hash of the metadata: the node takes the whole text with `deschashonly`,
/// and hashes it itself. Its label is `switchgear-` and 128 random bits in hex, for the node refuses a
/// label that any of its invoices has, whoever made it.
///
/// With `privateHints`, an invoice may hint at the private channels that were active when the status
/// was last asked for, at most 32 of them; the node chooses. Where it can use none of them, which it
/// says, and which costs a second call, and before the first status, its own rule holds. So it does
/// without `privateHints`: hints at private channels only where the node has no public one, which its
/// gRPC has no way to forbid.
///
/// A status says nothing of what can be received where the node does not list its channels within a
/// second, for whatever reason: it may make invoices all the same. Hints are then those of before.
///
/// Calls need a tokio runtime with time and IO enabled, and have no other bound in time of their own
/// besides connecting; dropping a call leaves the client usable.
#[derive(Debug)]
pub struct ClnClient {
    node: Result<Node<ClnFiles>, String>,
    channel_list: ChannelList,
    private_hints: bool,
    /// The names of the private channels as of the last status.
    private_names: ArcSwap<Vec<String>>,
}

impl ClnClient {
    /// A client of the node at `config.url`; connecting may take `timeout`.
    pub fn new(config: &ClnGrpc, timeout: Duration) -> Self {
        Self::with_trust_sets(config, timeout, Arc::default())
    }

    /// A client that shares what it trusts with others.
    pub(crate) fn with_trust_sets(
        config: &ClnGrpc,
        timeout: Duration,
        trust_sets: Arc<TrustSets>,
    ) -> Self {
        Self {
            node: node(config, timeout, trust_sets),
            channel_list: ChannelList::new(&config.url, timeout),
            private_hints: config.private_hints,
            private_names: ArcSwap::default(),
        }
    }

    fn node(&self) -> Result<&Node<ClnFiles>, LnError> {
        self.node
            .as_ref()
            .map_err(|text| LnError::new(LnErrorKind::Internal, text.clone()))
    }

    fn message(&self, request: &InvoiceRequest) -> Result<proto::InvoiceRequest, LnError> {
        let refused = |reason| LnError::new(LnErrorKind::Refused, reason);
        let expiry = request.expiry.as_secs();
        if expiry == 0 {
            return Err(refused("an invoice must last a second or longer"));
        }
        if request.amount == Millisatoshi::ZERO {
            return Err(refused("the amount must be a millisatoshi or more"));
        }
        let amount = Amount {
            msat: request.amount.msat(),
        };
        Ok(proto::InvoiceRequest {
            description: request.metadata.as_str().to_owned(),
            label: label(),
            expiry: Some(expiry),
            exposeprivatechannels: self.hints(),
            deschashonly: Some(true),
            amount_msat: Some(AmountOrAny {
                value: Some(amount_or_any::Value::Amount(amount)),
            }),
        })
    }

    /// Says what can be received, and keeps what invoices may hint at.
    fn read_channels(&self, channels: &[ListpeerchannelsChannels]) -> Millisatoshi {
        if self.private_hints {
            let names = private_names(channels);
            self.private_names.store(Arc::new(names));
        }
        inbound(channels)
    }

    fn hints(&self) -> Vec<String> {
        if !self.private_hints {
            return Vec::new();
        }
        self.private_names.load().to_vec()
    }
}

#[async_trait]
impl LnClient for ClnClient {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<Invoice, LnError> {
        let message = self.message(request)?;
        let made = self
            .node()?
            .call(|channel, _| make_invoice(cln(channel), message.clone()))
            .await?;
        invoice(made.bolt11, made.payment_hash)
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        let due = self.channel_list.due();
        let node = self.node()?;
        let info = node
            .call(|channel, _| {
                let mut cln = cln(channel);
                async move { cln.getinfo(GetinfoRequest {}).await }
            })
            .await?;
        let listing = node.call(|channel, _| {
            let mut cln = cln(channel).max_decoding_message_size(LARGEST_CHANNEL_LIST);
            async move { cln.list_peer_channels(ListpeerchannelsRequest {}).await }
        });
        let list = self.channel_list.read(due, listing).await;
        let inbound = list.map(|list| self.read_channels(&list.channels));
        status(&info, inbound)
    }
}

fn node(
    config: &ClnGrpc,
    timeout: Duration,
    trust_sets: Arc<TrustSets>,
) -> Result<Node<ClnFiles>, String> {
    let files = ClnFiles::new(&config.auth, trust_sets)
        .ok_or("this build does not know the node's kind of credentials")?;
    let domain = config.domain.as_ref();
    Node::try_new(&config.url, domain, files, timeout, call_failure)
}

fn cln(channel: Channel) -> NodeClient<Channel> {
    NodeClient::new(channel).max_decoding_message_size(LARGEST_ANSWER)
}

/// Unique among all invoices of the node, also those of other clients and of earlier runs.
fn label() -> String {
    format!("switchgear-{:032x}", rand::random::<u128>())
}

/// Asks once more without hints where only they were refused: an invoice that some cannot pay is
/// better than none.
async fn make_invoice(
    mut cln: NodeClient<Channel>,
    mut message: proto::InvoiceRequest,
) -> Result<Response<InvoiceResponse>, Status> {
    if message.exposeprivatechannels.is_empty() {
        return cln.invoice(message).await;
    }
    match cln.invoice(message.clone()).await {
        Err(status) if cannot_hint(&status) => {
            message.exposeprivatechannels.clear();
            cln.invoice(message).await
        }
        answer => answer,
    }
}

fn status(info: &GetinfoResponse, inbound: Option<Millisatoshi>) -> Result<NodeStatus, LnError> {
    let behind = info.warning_bitcoind_sync.is_some() || info.warning_lightningd_sync.is_some();
    let told = Told {
        public_key: &hex::encode(&info.id),
        network: Some(&info.network),
        synced_to_chain: !behind,
    };
    told.status(inbound)
}

#[cfg(test)]
mod tests {
    use switchgear_core::{Partition, backend::Backend, ln::Network, lnurl::PayMetadata};

    use super::*;

    fn client(private_hints: bool) -> ClnClient {
        let backend: Backend = serde_json::from_value(serde_json::json!({
            "address": {"url": "https://cln.example.com"},
            "partitions": ["default"],
            "weight": 1,
            "enabled": true,
            "implementation": {
                "type": "clnGrpc",
                "url": "https://127.0.0.1:9736",
                "privateHints": private_hints,
                "auth": {"type": "path", "caCertPath": "/ca", "clientCertPath": "/c", "clientKeyPath": "/k"},
            },
        }))
        .unwrap();
        let switchgear_core::backend::Implementation::ClnGrpc(config) = backend.implementation
        else {
            panic!("another kind of node");
        };
        ClnClient::new(&config, Duration::from_secs(1))
    }

    fn request() -> InvoiceRequest {
        InvoiceRequest {
            partition: Partition::try_new("default").unwrap(),
            amount: Millisatoshi::new(7),
            metadata: PayMetadata::from_served("[]"),
            expiry: Duration::from_millis(60_999),
            comment: None,
        }
    }

    #[test]
    fn asks_for_a_hash_of_the_text_in_the_message() {
        let first = client(false).message(&request()).unwrap();
        assert_eq!(first.description, "[]");
        assert_eq!(first.deschashonly, Some(true));
        assert_eq!(first.expiry, Some(60));
        let amount = first.amount_msat.and_then(|amount| amount.value);
        let expected = amount_or_any::Value::Amount(Amount { msat: 7 });
        assert_eq!(amount, Some(expected));
        assert_eq!(first.label.len(), "switchgear-".len() + 32);
        let second = client(false).message(&request()).unwrap();
        assert_ne!(first.label, second.label);
    }

    #[test]
    fn names_private_channels_only_where_hints_are_wanted() {
        for (wanted, expected) in [(false, vec![]), (true, vec!["1x1x1".to_owned()])] {
            let client = client(wanted);
            let names = Arc::new(vec!["1x1x1".to_owned()]);
            client.private_names.store(names);
            let message = client.message(&request()).unwrap();
            assert_eq!(message.exposeprivatechannels, expected);
        }
    }

    #[test]
    fn refuses_what_no_invoice_can_say() {
        let client = client(false);
        let mut brief = request();
        brief.expiry = Duration::from_millis(999);
        let mut nothing = request();
        nothing.amount = Millisatoshi::ZERO;
        for (request, reason) in [
            (brief, "an invoice must last a second or longer"),
            (nothing, "the amount must be a millisatoshi or more"),
        ] {
            let error = client.message(&request).unwrap_err();
            assert_eq!(error.kind(), LnErrorKind::Refused);
            assert_eq!(error.to_string(), reason);
        }
    }

    #[test]
    fn reads_a_status_and_says_what_is_missing() {
        let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let mut info = GetinfoResponse {
            id: hex::decode(key).unwrap(),
            network: "signet".to_owned(),
            ..GetinfoResponse::default()
        };
        let read = status(&info, Some(Millisatoshi::new(5))).unwrap();
        assert_eq!(read.public_key.unwrap().to_string(), key);
        assert_eq!(read.network, Some(Network::Signet));
        assert_eq!(read.inbound, Some(Millisatoshi::new(5)));
        assert!(read.synced_to_chain);

        info.network = "liquid".to_owned();
        info.warning_lightningd_sync = Some("Still loading latest blocks".to_owned());
        let read = status(&info, None).unwrap();
        assert_eq!(read.network, None);
        assert!(!read.synced_to_chain);

        info.id.pop();
        let error = status(&info, None).unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Protocol);
        assert_eq!(error.to_string(), "the node answered no public key");
    }
}
