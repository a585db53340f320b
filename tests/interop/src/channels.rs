use crate::official::{
    Amount, ChannelSide, ChannelState, ChannelTypeName, HtlcState, ListpeerchannelsChannels,
    ListpeerchannelsChannelsAlias, ListpeerchannelsChannelsChannelType,
    ListpeerchannelsChannelsFeerate, ListpeerchannelsChannelsFunding,
    ListpeerchannelsChannelsHtlcs, ListpeerchannelsChannelsInflight,
    ListpeerchannelsChannelsStateChanges, ListpeerchannelsChannelsUpdates,
    ListpeerchannelsChannelsUpdatesLocal, ListpeerchannelsChannelsUpdatesRemote,
    listpeerchannels_channels_htlcs::ListpeerchannelsChannelsHtlcsDirection as Direction,
    listpeerchannels_channels_state_changes::ListpeerchannelsChannelsStateChangesCause as Cause,
};

/// In all channels, the balance of this side.
const TO_US: u64 = 250_000_000;

/// In all channels, what each side must keep.
const RESERVE: u64 = 10_000_000;

/// In all channels, what the peer has in flight to this side.
const IN_FLIGHT: u64 = 3_000_000;

/// What tells one channel from another.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its short channel id, `BLOCKxTRANSACTIONxOUTPUT`.
    pub id: String,
    /// How the peer names it in place of its id.
    pub alias: String,
    /// Whether it is announced to nobody.
    pub private: bool,
    /// Where it stands.
    pub state: ChannelState,
    /// Whether the peer is there.
    pub connected: bool,
    /// What the node says that the peer can send, in millisatoshi.
    pub receivable_msat: u64,
}

impl Channel {
    /// An open public channel.
    pub fn new(id: &str, receivable_msat: u64) -> Self {
        Self {
            id: id.to_owned(),
            alias: format!("16{id}"),
            private: false,
            state: ChannelState::ChanneldNormal,
            connected: true,
            receivable_msat,
        }
    }

    /// The same, announced to nobody.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Whether an invoice may hint at it.
    pub(crate) fn is_usable(&self) -> bool {
        self.state == ChannelState::ChanneldNormal && self.connected
    }

    /// With every field that the official message has.
    pub(crate) fn message(&self) -> ListpeerchannelsChannels {
        let total = self.receivable_msat + TO_US + RESERVE + IN_FLIGHT;
        ListpeerchannelsChannels {
            peer_id: vec![2; 33],
            peer_connected: self.connected,
            state: self.state.into(),
            scratch_txid: Some(vec![1; 32]),
            channel_type: Some(ListpeerchannelsChannelsChannelType {
                bits: vec![12, 22],
                names: vec![
                    ChannelTypeName::StaticRemotekeyEven.into(),
                    ChannelTypeName::AnchorsZeroFeeHtlcTxEven.into(),
                ],
            }),
            feerate: Some(ListpeerchannelsChannelsFeerate {
                perkw: 253,
                perkb: 1_012,
            }),
            owner: Some("channeld".to_owned()),
            short_channel_id: Some(self.id.clone()),
            channel_id: Some(vec![3; 32]),
            funding_txid: Some(vec![4; 32]),
            funding_outnum: Some(1),
            initial_feerate: Some("253".to_owned()),
            last_feerate: Some("300".to_owned()),
            next_feerate: Some("400".to_owned()),
            next_fee_step: Some(1),
            inflight: vec![inflight(total)],
            close_to: Some(vec![0; 22]),
            private: Some(self.private),
            opener: ChannelSide::Local.into(),
            closer: Some(ChannelSide::Remote.into()),
            funding: Some(funding(total)),
            to_us_msat: amount(TO_US),
            min_to_us_msat: amount(0),
            max_to_us_msat: amount(TO_US),
            total_msat: amount(total),
            fee_base_msat: amount(1),
            fee_proportional_millionths: Some(10),
            dust_limit_msat: amount(546_000),
            their_reserve_msat: amount(RESERVE),
            our_reserve_msat: amount(RESERVE),
            spendable_msat: amount(TO_US - RESERVE),
            receivable_msat: amount(self.receivable_msat),
            minimum_htlc_in_msat: amount(1),
            minimum_htlc_out_msat: amount(1),
            maximum_htlc_out_msat: amount(total),
            their_to_self_delay: Some(144),
            our_to_self_delay: Some(144),
            max_accepted_htlcs: Some(483),
            alias: Some(ListpeerchannelsChannelsAlias {
                local: Some("17000000x1x1".to_owned()),
                remote: Some(self.alias.clone()),
            }),
            state_changes: vec![state_change()],
            status: vec!["CHANNELD_NORMAL:Channel ready for use.".to_owned()],
            in_payments_offered: Some(1),
            in_offered_msat: amount(1),
            in_payments_fulfilled: Some(1),
            in_fulfilled_msat: amount(1),
            out_payments_offered: Some(1),
            out_offered_msat: amount(1),
            out_payments_fulfilled: Some(1),
            out_fulfilled_msat: amount(1),
            htlcs: vec![htlc()],
            close_to_addr: Some("bcrt1q".to_owned()),
            ignore_fee_limits: Some(true),
            updates: Some(updates(total)),
            last_stable_connection: Some(1_700_000_000),
            lost_state: Some(false),
            reestablished: Some(true),
            last_tx_fee_msat: amount(1),
            direction: Some(1),
            their_max_htlc_value_in_flight_msat: amount(total),
            our_max_htlc_value_in_flight_msat: amount(total),
            features: vec!["option_static_remotekey".to_owned()],
        }
    }
}

fn amount(msat: u64) -> Option<Amount> {
    Some(Amount { msat })
}

fn inflight(total: u64) -> ListpeerchannelsChannelsInflight {
    ListpeerchannelsChannelsInflight {
        funding_txid: vec![5; 32],
        funding_outnum: 0,
        feerate: "253perkw".to_owned(),
        total_funding_msat: amount(total),
        our_funding_msat: amount(TO_US),
        scratch_txid: Some(vec![6; 32]),
        splice_amount: -1,
    }
}

fn funding(total: u64) -> ListpeerchannelsChannelsFunding {
    ListpeerchannelsChannelsFunding {
        pushed_msat: amount(0),
        local_funds_msat: amount(total),
        remote_funds_msat: amount(0),
        fee_paid_msat: amount(0),
        fee_rcvd_msat: amount(0),
        psbt: Some("cHNidA==".to_owned()),
        withheld: Some(false),
    }
}

fn state_change() -> ListpeerchannelsChannelsStateChanges {
    ListpeerchannelsChannelsStateChanges {
        timestamp: "2024-01-01T00:00:00.000Z".to_owned(),
        old_state: ChannelState::ChanneldAwaitingLockin.into(),
        new_state: ChannelState::ChanneldNormal.into(),
        cause: Cause::User.into(),
        message: "Lockin complete".to_owned(),
    }
}

fn htlc() -> ListpeerchannelsChannelsHtlcs {
    ListpeerchannelsChannelsHtlcs {
        direction: Direction::In.into(),
        id: 1,
        amount_msat: amount(IN_FLIGHT),
        expiry: 800_000,
        payment_hash: vec![7; 32],
        local_trimmed: Some(true),
        status: Some("waiting".to_owned()),
        state: HtlcState::RcvdAddAckRevocation.into(),
    }
}

fn updates(total: u64) -> ListpeerchannelsChannelsUpdates {
    ListpeerchannelsChannelsUpdates {
        local: Some(ListpeerchannelsChannelsUpdatesLocal {
            htlc_minimum_msat: amount(1),
            htlc_maximum_msat: amount(total),
            cltv_expiry_delta: 34,
            fee_base_msat: amount(1),
            fee_proportional_millionths: 10,
        }),
        remote: Some(ListpeerchannelsChannelsUpdatesRemote {
            htlc_minimum_msat: amount(1),
            htlc_maximum_msat: amount(total),
            cltv_expiry_delta: 40,
            fee_base_msat: amount(1_000),
            fee_proportional_millionths: 100,
        }),
    }
}
