//! An LND's coins, peers and channels.

use super::{Lnd, text};

impl Lnd {
    /// An address of its wallet, of the only kind that btcd's `createrawtransaction` can pay to among LND's.
    pub(in crate::regtest) async fn new_address(&self) -> anyhow::Result<String> {
        text(&self.lncli(&["newaddress", "np2wkh"]).await?, "address")
    }

    pub(in crate::regtest) async fn wait_for_coins(&self) -> anyhow::Result<()> {
        self.eventually("confirmed coins", async || {
            let balance = self.lncli(&["walletbalance"]).await?;
            Ok(text(&balance, "confirmed_balance")? != "0")
        })
        .await
    }

    /// Connects to a peer; harmless when it is connected.
    pub(in crate::regtest) async fn connect(&self, peer: &Self) -> anyhow::Result<()> {
        let peer = format!("{}@{}", peer.public_key, peer.program.peer_address());
        match self.lncli(&["connect", &peer]).await {
            Err(error) if !format!("{error:#}").contains("already connected") => Err(error),
            _ => Ok(()),
        }
    }

    /// Publishes the funding transaction of a channel; mine to confirm it. `flags` are those of `lncli openchannel`.
    pub(in crate::regtest) async fn fund_channel(
        &self,
        peer: &Self,
        sat: u64,
        flags: &[&str],
    ) -> anyhow::Result<()> {
        let amount = sat.to_string();
        let key = &peer.public_key;
        let open = ["openchannel", "--node_key", key, "--local_amt", &amount];
        self.lncli(&[&open[..], &["--sat_per_vbyte=2"], flags].concat())
            .await?;
        Ok(())
    }

    /// Until so many channels with the peer are active.
    pub(in crate::regtest) async fn wait_for_channels_with(
        &self,
        peer: &Self,
        count: usize,
    ) -> anyhow::Result<()> {
        let what = format!("{count} active channels with {}", peer.name());
        self.eventually(&what, async || {
            let listed = self
                .lncli(&["listchannels", "--active_only", "--peer", &peer.public_key])
                .await?;
            let channels = listed["channels"].as_array();
            Ok(channels.is_some_and(|list| list.len() >= count))
        })
        .await
    }

    /// A channel is active a moment before payments find it.
    pub(in crate::regtest) async fn wait_for_route_to(&self, peer: &Self) -> anyhow::Result<()> {
        let what = format!("a route to {}", peer.name());
        self.eventually(&what, async || {
            let found = self.lncli(&["queryroutes", &peer.public_key, "1"]).await;
            Ok(found.is_ok())
        })
        .await
    }
}
