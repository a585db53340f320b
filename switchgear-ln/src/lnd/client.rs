use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use switchgear_core::{
    Millisatoshi,
    backend::LndGrpc,
    ln::{Invoice, InvoiceRequest, LnClient, LnError, LnErrorKind, NodeStatus},
};

use super::{
    classify::call_failure,
    credentials::LndFiles,
    proto::{
        self, GetInfoRequest, GetInfoResponse, ListChannelsRequest, ListChannelsResponse,
        lightning_client::LightningClient,
    },
};
use crate::{
    grpc::{Channel, ChannelList, LARGEST_ANSWER, LARGEST_CHANNEL_LIST, Node, Told, invoice},
    tls::TrustSets,
};

/// A client of one LND node.
///
/// Making one does no IO. The first call reads the credential files and connects; all calls share
/// one HTTP/2 connection, which is made anew after it broke, in the background and by the next call
/// at the latest. Files that change are taken up within a second, and at once when the node refuses
/// what they held before: then the call is made a second time, as the first one did nothing.
///
/// A status says nothing of what can be received where the node does not list its channels within a
/// second, for whatever reason: it may make invoices all the same.
///
/// Calls need a tokio runtime with time and IO enabled, and have no other bound in time of their own
/// besides connecting; dropping a call leaves the client usable.
#[derive(Debug)]
pub struct LndClient {
    node: Result<Node<LndFiles>, String>,
    channel_list: ChannelList,
    amp: bool,
    private_hints: bool,
}

impl LndClient {
    /// A client of the node at `config.url`; connecting may take `timeout`.
    pub fn new(config: &LndGrpc, timeout: Duration) -> Self {
        Self::with_trust_sets(config, timeout, Arc::default())
    }

    /// A client that shares what it trusts with others.
    pub(crate) fn with_trust_sets(
        config: &LndGrpc,
        timeout: Duration,
        trust_sets: Arc<TrustSets>,
    ) -> Self {
        Self {
            node: node(config, timeout, trust_sets),
            channel_list: ChannelList::new(&config.url, timeout),
            amp: config.amp_invoice,
            private_hints: config.private_hints,
        }
    }

    fn node(&self) -> Result<&Node<LndFiles>, LnError> {
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
            .call(|channel, credentials| {
                let mut lnd = lnd(channel);
                let request = credentials.request(message.clone());
                async move { lnd.add_invoice(request).await }
            })
            .await?;
        invoice(made.payment_request, made.r_hash)
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        let due = self.channel_list.due();
        let node = self.node()?;
        let info = node
            .call(|channel, credentials| {
                let mut lnd = lnd(channel);
                let request = credentials.request(GetInfoRequest {});
                async move { lnd.get_info(request).await }
            })
            .await?;
        let listing = node.call(|channel, credentials| {
            let mut lnd = lnd(channel).max_decoding_message_size(LARGEST_CHANNEL_LIST);
            let active_only = true;
            let request = credentials.request(ListChannelsRequest { active_only });
            async move { lnd.list_channels(request).await }
        });
        let channels = self.channel_list.read(due, listing).await;
        told(&info).status(channels.as_ref().map(inbound))
    }
}

fn node(
    config: &LndGrpc,
    timeout: Duration,
    trust_sets: Arc<TrustSets>,
) -> Result<Node<LndFiles>, String> {
    let files = LndFiles::new(&config.auth, trust_sets)
        .ok_or("this build does not know the node's kind of credentials")?;
    Node::try_new(
        &config.url,
        config.domain.as_ref(),
        files,
        timeout,
        call_failure,
    )
}

fn lnd(channel: Channel) -> LightningClient<Channel> {
    LightningClient::new(channel).max_decoding_message_size(LARGEST_ANSWER)
}

fn told(info: &GetInfoResponse) -> Told<'_> {
    Told {
        public_key: &info.identity_pubkey,
        network: info.chains.first().map(|chain| chain.network.as_str()),
        synced_to_chain: info.synced_to_chain,
    }
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
    fn reads_the_network_of_the_first_chain() {
        let mut info = GetInfoResponse::default();
        assert_eq!(told(&info).network, None);
        info.chains = ["signet", "mainnet"]
            .map(|network| Chain {
                network: network.to_owned(),
            })
            .to_vec();
        assert_eq!(told(&info).network, Some("signet"));
    }
}
