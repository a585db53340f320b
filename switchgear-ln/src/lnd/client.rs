use std::time::Duration;

use async_trait::async_trait;
use switchgear_core::{
    Millisatoshi,
    backend::LndGrpc,
    ln::{Invoice, InvoiceRequest, LnClient, LnError, LnErrorKind, NodeStatus},
};

use super::{
    node::Node,
    proto::{
        self, AddInvoiceResponse, GetInfoRequest, GetInfoResponse, ListChannelsRequest,
        ListChannelsResponse,
    },
};

/// A channel takes about half a kilobyte: some hundred thousand channels.
const LARGEST_CHANNEL_LIST: usize = 64 * 1024 * 1024;

/// A client of one LND node.
///
/// Making one does no IO. The first call reads the credential files and connects; all calls share
/// one HTTP/2 connection, which is made anew by the next call after it broke. Files that change are
/// taken up within a second, and at once when the node refuses what they held before: then the call
/// is made a second time, as the first one did nothing.
///
/// Calls need a tokio runtime with time and IO enabled, and have no bound in time of their own
/// besides connecting; dropping a call leaves the client usable.
#[derive(Debug)]
pub struct LndClient {
    node: Result<Node, String>,
    amp: bool,
    private_hints: bool,
}

impl LndClient {
    /// A client of the node at `config.url`; connecting may take `timeout`.
    pub fn new(config: &LndGrpc, timeout: Duration) -> Self {
        Self {
            node: Node::try_new(config, timeout),
            amp: config.amp_invoice,
            private_hints: config.private_hints,
        }
    }

    fn node(&self) -> Result<&Node, LnError> {
        self.node
            .as_ref()
            .map_err(|text| LnError::new(LnErrorKind::Internal, text.clone()))
    }

    fn message(&self, request: &InvoiceRequest) -> Result<proto::Invoice, LnError> {
        let refused = |reason| LnError::new(LnErrorKind::Refused, reason);
        let expiry = i64::try_from(request.expiry.as_secs())
            .ok()
            .filter(|seconds| *seconds > 0)
            .ok_or_else(|| refused("an invoice must last between one second and LND's limit"))?;
        let value_msat = i64::try_from(request.amount.msat())
            .ok()
            .filter(|msat| *msat > 0)
            .ok_or_else(|| refused("the amount must be between 1 and 2^63-1 millisatoshi"))?;
        Ok(proto::Invoice {
            memo: String::new(),
            description_hash: request.metadata.hash().to_vec(),
            expiry,
            private: self.private_hints,
            value_msat,
            is_amp: self.amp,
        })
    }
}

#[async_trait]
impl LnClient for LndClient {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<Invoice, LnError> {
        let message = self.message(request)?;
        let made = self
            .node()?
            .call(move |mut lnd| {
                let message = message.clone();
                async move { lnd.add_invoice(message).await }
            })
            .await?;
        invoice(made)
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        let node = self.node()?;
        let info = node
            .call(|mut lnd| async move { lnd.get_info(GetInfoRequest {}).await })
            .await?;
        let channels = node
            .call(|lnd| async move {
                let mut lnd = lnd.max_decoding_message_size(LARGEST_CHANNEL_LIST);
                let active_only = true;
                lnd.list_channels(ListChannelsRequest { active_only }).await
            })
            .await;
        let inbound = match channels {
            Ok(channels) => Some(inbound(&channels)),
            // A macaroon that may not list channels still makes invoices.
            Err(error) if error.kind() == LnErrorKind::Unauthorized => None,
            Err(error) => return Err(error),
        };
        status(&info, inbound)
    }
}

/// Checked in full by [`Invoice::verify`]; here only its shape.
fn invoice(made: AddInvoiceResponse) -> Result<Invoice, LnError> {
    let payment_hash = made.r_hash.try_into().map_err(|hash: Vec<u8>| {
        let message = format!("the node answered a payment hash of {} bytes", hash.len());
        LnError::new(LnErrorKind::Protocol, message)
    })?;
    Ok(Invoice {
        bolt11: made.payment_request,
        payment_hash,
    })
}

fn status(info: &GetInfoResponse, inbound: Option<Millisatoshi>) -> Result<NodeStatus, LnError> {
    let public_key = info.identity_pubkey.parse().map_err(|error| {
        LnError::new(LnErrorKind::Protocol, "the node answered no public key").with_source(error)
    })?;
    // A network without a name of its own in invoices is none that can be checked.
    let network = info
        .chains
        .first()
        .and_then(|chain| chain.network.parse().ok());
    Ok(NodeStatus {
        synced_to_chain: info.synced_to_chain,
        inbound,
        public_key: Some(public_key),
        network,
    })
}

/// What the peers of active channels can send: their balances less what each must keep (BOLT 2,
/// `channel_reserve_satoshis`).
fn inbound(list: &ListChannelsResponse) -> Millisatoshi {
    list.channels
        .iter()
        .filter(|channel| channel.active)
        .map(|channel| {
            let balance = u64::try_from(channel.remote_balance).unwrap_or(0);
            let reserve = channel
                .remote_constraints
                .map_or(0, |peer| peer.chan_reserve_sat);
            Millisatoshi::from_sat(balance.saturating_sub(reserve))
        })
        .fold(Millisatoshi::ZERO, Millisatoshi::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lnd::proto::{Chain, Channel, ChannelConstraints};

    fn channel(active: bool, remote_balance: i64, chan_reserve_sat: u64) -> Channel {
        Channel {
            active,
            remote_balance,
            remote_constraints: Some(ChannelConstraints { chan_reserve_sat }),
            ..Channel::default()
        }
    }

    #[test]
    fn sums_active_remote_balances_less_each_reserve() {
        let mut without_constraints = channel(true, 7, 0);
        without_constraints.remote_constraints = None;
        let list = ListChannelsResponse {
            channels: vec![
                channel(true, 1_000, 10),
                channel(true, 5, 10),
                channel(false, 1_000, 0),
                channel(true, -5, 0),
                without_constraints,
            ],
        };
        assert_eq!(inbound(&list), Millisatoshi::from_sat(997));
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        let list = ListChannelsResponse {
            channels: vec![channel(true, i64::MAX, 0), channel(true, i64::MAX, 0)],
        };
        assert_eq!(inbound(&list), Millisatoshi::new(u64::MAX));
    }

    #[test]
    fn refuses_a_payment_hash_of_another_length() {
        let error = invoice(AddInvoiceResponse::default()).unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Protocol);
        assert_eq!(
            error.to_string(),
            "the node answered a payment hash of 0 bytes"
        );
    }

    #[test]
    fn takes_an_unknown_network_for_none_and_a_missing_key_for_an_error() {
        let mut info = GetInfoResponse {
            identity_pubkey: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                .to_owned(),
            chains: vec![Chain {
                network: "simnet".to_owned(),
            }],
            ..GetInfoResponse::default()
        };
        assert_eq!(status(&info, None).unwrap().network, None);
        info.identity_pubkey.clear();
        let error = status(&info, None).unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Protocol);
    }
}
