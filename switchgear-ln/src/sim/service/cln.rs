use std::{future, sync::Arc, time::Duration};

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::Description;
use tonic::{Request, Response, Status, async_trait};

use super::Met;
use crate::{
    cln::proto::{
        Amount, AmountOrAny, ChannelState, GetinfoRequest, GetinfoResponse, InvoiceRequest,
        InvoiceResponse, ListpeerchannelsChannels, ListpeerchannelsChannelsAlias,
        ListpeerchannelsRequest, ListpeerchannelsResponse, amount_or_any::Value, node_server,
    },
    sim::{
        Fault, FaultKind,
        invoice::{Asked, Described},
        state::State,
    },
};

/// What each side keeps in a channel.
const RESERVE_MSAT: u64 = 10_000_000;

/// What Core Lightning asks for by default.
const FINAL_CLTV_DELTA: u64 = 18;

/// A week, Core Lightning's default.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(604_800);

/// `lightningd`'s codes (`common/jsonrpc_errors.h`).
const INVALID_PARAMS: i32 = -32_602;
const LABEL_ALREADY_EXISTS: i32 = 900;

/// The calls of Core Lightning's `cln.Node`, answered as its plugin `cln-grpc` answers them.
#[derive(Debug, Clone)]
pub(super) struct ClnCalls(Arc<State>);

#[async_trait]
impl node_server::Node for ClnCalls {
    async fn getinfo(
        &self,
        request: Request<GetinfoRequest>,
    ) -> Result<Response<GetinfoResponse>, Status> {
        let unsynced = Met::of(&request) == Some(&Fault::Unsynced);
        if unsynced {
            self.0.counters.served(FaultKind::Unsynced);
        }
        let warning = |text: &str| unsynced.then(|| text.to_owned());
        Ok(Response::new(GetinfoResponse {
            id: self.0.signer.public_key().serialize().to_vec(),
            alias: self.0.alias.clone(),
            blockheight: 1,
            network: self.0.signer.network.to_string(),
            warning_bitcoind_sync: warning("Bitcoind is not up-to-date with network."),
            warning_lightningd_sync: warning("Still loading latest blocks from bitcoind."),
        }))
    }

    async fn invoice(
        &self,
        request: Request<InvoiceRequest>,
    ) -> Result<Response<InvoiceResponse>, Status> {
        let lie = match Met::of(&request) {
            Some(Fault::HangInvoices) => {
                self.0.counters.served(FaultKind::HangInvoices);
                future::pending().await
            }
            Some(Fault::Lie(lie)) => Some(*lie),
            _ => None,
        };
        let request = request.into_inner();
        let label = request.label.clone();
        let asked = asked(request)?;
        let expiry = asked.expiry;
        if !self.0.invoices.lock().take_label(&label) {
            let message = format!("Duplicate label '{label}'");
            return Err(refusal("Invoice", LABEL_ALREADY_EXISTS, &message));
        }
        let made = self
            .0
            .signer
            .make(asked, lie)
            .map_err(|error| refusal("Invoice", INVALID_PARAMS, &error.to_string()))?;
        if lie.is_some() {
            self.0.counters.served(FaultKind::Lie);
        }
        let (bolt11, payment_hash) = made.told(lie);
        self.0.invoices.lock().insert(made);
        self.0.counters.invoice();
        Ok(Response::new(InvoiceResponse {
            bolt11,
            payment_hash,
            payment_secret: Vec::new(),
            expires_at: expires_at(expiry),
        }))
    }

    async fn list_peer_channels(
        &self,
        request: Request<ListpeerchannelsRequest>,
    ) -> Result<Response<ListpeerchannelsResponse>, Status> {
        match Met::of(&request) {
            Some(Fault::NoChannelRights) => {
                self.0.counters.served(FaultKind::NoChannelRights);
                return Err(refusal("ListPeerChannels", 1_502, "Not authorized"));
            }
            Some(Fault::HangChannels) => {
                self.0.counters.served(FaultKind::HangChannels);
                future::pending().await
            }
            _ => {}
        }
        Ok(Response::new(ListpeerchannelsResponse {
            channels: self.channels(),
        }))
    }
}

impl ClnCalls {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self(state)
    }

    /// Two that share the inbound capacity, one of them private; one whose peer is away; one that
    /// still waits for its funding; one that is closing.
    fn channels(&self) -> Vec<ListpeerchannelsChannels> {
        let inbound = self.0.inbound.lock().msat();
        let half = inbound / 2;
        let normal = ChannelState::ChanneldNormal;
        let mut private = channel(2, normal, half);
        private.private = Some(true);
        let mut away = channel(3, normal, 1_000_000_000);
        away.peer_connected = false;
        let awaiting = channel(4, ChannelState::ChanneldAwaitingLockin, 1_000_000_000);
        let closing = channel(5, ChannelState::ChanneldShuttingDown, 1_000_000_000);
        vec![
            channel(1, normal, inbound - half),
            private,
            away,
            awaiting,
            closing,
        ]
    }
}

/// How the plugin passes on an error of `lightningd`.
pub(super) fn refusal(method: &str, code: i32, message: &str) -> Status {
    Status::unknown(format!(
        "Error calling method {method}: RpcError {{ code: Some({code}), message: {message:?}, \
         data: None }}"
    ))
}

fn asked(request: InvoiceRequest) -> Result<Asked, Status> {
    let amount = match request.amount_msat {
        Some(AmountOrAny {
            value: Some(Value::Amount(amount)),
        }) => Some(amount.msat),
        Some(AmountOrAny {
            value: Some(Value::Any(_)),
        }) => None,
        _ => {
            let message = "missing required parameter: amount_msat";
            return Err(refusal("Invoice", INVALID_PARAMS, message));
        }
    };
    let hash_only = request.deschashonly();
    Ok(Asked {
        amount,
        described: described(request.description, hash_only)?,
        expiry: request.expiry.map_or(DEFAULT_EXPIRY, Duration::from_secs),
        final_cltv_delta: FINAL_CLTV_DELTA,
        private: !request.exposeprivatechannels.is_empty(),
        amp: false,
        label: Some(request.label),
    })
}

/// The invoice carries the description itself, unless its hash is wanted.
fn described(description: String, hash_only: bool) -> Result<Described, Status> {
    if hash_only {
        return Ok(Described::Hash(sha256::Hash::hash(description.as_bytes())));
    }
    let length = description.len();
    Description::new(description)
        .map(Described::Text)
        .map_err(|_| {
            let message = format!(
                "Descriptions greater than 639 bytes not yet supported (description length {length})"
            );
            refusal("Invoice", INVALID_PARAMS, &message)
        })
}

fn channel(number: u8, state: ChannelState, receivable_msat: u64) -> ListpeerchannelsChannels {
    let theirs = receivable_msat.saturating_add(RESERVE_MSAT);
    let msat = |msat| Some(Amount { msat });
    ListpeerchannelsChannels {
        // A prefix of a compressed key, and no key of anybody.
        peer_id: [2].into_iter().chain([number; 32]).collect(),
        peer_connected: true,
        state: state.into(),
        short_channel_id: Some(format!("{number}x1x0")),
        private: Some(false),
        to_us_msat: msat(theirs),
        total_msat: msat(theirs.saturating_mul(2)),
        their_reserve_msat: msat(RESERVE_MSAT),
        receivable_msat: msat(receivable_msat),
        reestablished: Some(true),
        alias: Some(ListpeerchannelsChannelsAlias {
            local: Some(format!("{number}x2x0")),
            remote: Some(format!("{number}x3x0")),
        }),
    }
}

fn expires_at(expiry: Duration) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().saturating_add(expiry).as_secs()
}

#[cfg(test)]
mod tests {
    use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
    use tonic::Code;

    use super::{node_server::Node as _, *};
    use crate::sim::{SimNodeConfig, SimNodeKind};

    fn node() -> ClnCalls {
        let config = SimNodeConfig::new("alice", "/nowhere").with_kind(SimNodeKind::Cln);
        ClnCalls::new(Arc::new(State::try_new(config).unwrap()))
    }

    fn request(label: &str, deschashonly: Option<bool>) -> Request<InvoiceRequest> {
        let amount = Amount { msat: 21_001 };
        Request::new(InvoiceRequest {
            description: "coffee".to_owned(),
            label: label.to_owned(),
            deschashonly,
            amount_msat: Some(AmountOrAny {
                value: Some(Value::Amount(amount)),
            }),
            ..InvoiceRequest::default()
        })
    }

    async fn invoice(node: &ClnCalls, label: &str, deschashonly: Option<bool>) -> Bolt11Invoice {
        let answer = node.invoice(request(label, deschashonly)).await.unwrap();
        answer.into_inner().bolt11.parse().unwrap()
    }

    #[tokio::test]
    async fn commits_to_the_hash_only_where_it_is_told_to() {
        let node = node();
        for (label, only) in [("a", None), ("b", Some(false))] {
            let invoice = invoice(&node, label, only).await;
            let Bolt11InvoiceDescriptionRef::Direct(text) = invoice.description() else {
                panic!("{only:?}: the text itself is expected");
            };
            assert_eq!(text.to_string(), "coffee");
        }
        let invoice = invoice(&node, "c", Some(true)).await;
        let Bolt11InvoiceDescriptionRef::Hash(hash) = invoice.description() else {
            panic!("a hash is expected");
        };
        assert_eq!(hash.0, sha256::Hash::hash(b"coffee"));
        assert_eq!(invoice.amount_milli_satoshis(), Some(21_001));
        assert_eq!(invoice.expiry_time(), DEFAULT_EXPIRY);
    }

    #[tokio::test]
    async fn refuses_a_label_that_it_has_seen() {
        let node = node();
        invoice(&node, "x", None).await;
        let refused = node.invoice(request("x", None)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unknown);
        assert_eq!(
            refused.message(),
            "Error calling method Invoice: RpcError { code: Some(900), message: \"Duplicate label \
             'x'\", data: None }"
        );
    }

    #[tokio::test]
    async fn refuses_a_text_that_no_invoice_can_carry() {
        let mut long = request("x", None).into_inner();
        long.description = "x".repeat(640);
        let refused = node().invoice(Request::new(long)).await.unwrap_err();
        assert!(refused.message().contains("description length 640"));
    }
}
