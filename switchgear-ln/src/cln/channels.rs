//! What a list of channels says: how much can be received now, and which of them are private.

use std::cmp::Reverse;

use switchgear_core::Millisatoshi;

use super::proto::{Amount, ChannelState, ListpeerchannelsChannels as Channel};

/// More than an invoice can hint at; the node chooses among them.
const MOST_HINTS: usize = 32;

/// What the peers of active channels can send now, in all.
pub(super) fn inbound(channels: &[Channel]) -> Millisatoshi {
    channels
        .iter()
        .filter(|channel| is_active(channel))
        .map(receivable)
        .fold(Millisatoshi::ZERO, Millisatoshi::saturating_add)
}

/// The names of the active private channels, those that can receive most first.
///
/// Both names of each: which of them the node compares differs between its versions, and a name
/// that it does not know is skipped.
pub(super) fn private_names(channels: &[Channel]) -> Vec<String> {
    let mut private: Vec<_> = channels
        .iter()
        .filter(|channel| channel.private() && is_active(channel))
        .collect();
    private.sort_by_key(|channel| Reverse(receivable(channel)));
    private
        .into_iter()
        .take(MOST_HINTS)
        .flat_map(|channel| {
            let alias = channel
                .alias
                .as_ref()
                .and_then(|alias| alias.remote.clone());
            channel.short_channel_id.clone().into_iter().chain(alias)
        })
        .collect()
}

/// Whether a payment can arrive: the channel is open, and the peer there to use it. A channel that
/// waits for a splice goes on as before.
fn is_active(channel: &Channel) -> bool {
    let open = matches!(
        channel.state(),
        ChannelState::ChanneldNormal | ChannelState::ChanneldAwaitingSplice
    );
    // Not told by older versions.
    let reestablished = channel.reestablished.unwrap_or(true);
    // A number of a later version reads as the first state, which is not open.
    open && channel.peer_connected && reestablished
}

/// The node's own figure, which leaves out what is in flight and the fees of a peer that pays them,
/// as LND's remote balance does; where it is missing, the remote balance less its reserve.
fn receivable(channel: &Channel) -> Millisatoshi {
    let msat = |amount: Option<Amount>| amount.map_or(0, |amount| amount.msat);
    let computed = || {
        msat(channel.total_msat)
            .saturating_sub(msat(channel.to_us_msat))
            .saturating_sub(msat(channel.their_reserve_msat))
    };
    let told = channel.receivable_msat.map(|amount| amount.msat);
    Millisatoshi::new(told.unwrap_or_else(computed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cln::proto::ListpeerchannelsChannelsAlias as Alias;

    fn channel(state: ChannelState, receivable_msat: u64) -> Channel {
        Channel {
            peer_connected: true,
            state: state.into(),
            receivable_msat: Some(Amount {
                msat: receivable_msat,
            }),
            ..Channel::default()
        }
    }

    fn private(id: Option<&str>, alias: Option<&str>, receivable_msat: u64) -> Channel {
        Channel {
            private: Some(true),
            short_channel_id: id.map(str::to_owned),
            alias: alias.map(|remote| Alias {
                local: Some("9x9x9".to_owned()),
                remote: Some(remote.to_owned()),
            }),
            ..channel(ChannelState::ChanneldNormal, receivable_msat)
        }
    }

    #[test]
    fn sums_what_active_channels_can_receive() {
        let mut away = channel(ChannelState::ChanneldNormal, 1_000);
        away.peer_connected = false;
        let mut silent = channel(ChannelState::ChanneldNormal, 1_000);
        silent.reestablished = Some(false);
        let mut later = channel(ChannelState::ChanneldNormal, 1_000);
        later.state = 99;
        let channels = [
            channel(ChannelState::ChanneldNormal, 5),
            channel(ChannelState::ChanneldAwaitingSplice, 70),
            channel(ChannelState::ChanneldAwaitingLockin, 1_000),
            channel(ChannelState::ChanneldShuttingDown, 1_000),
            channel(ChannelState::Onchain, 1_000),
            away,
            silent,
            later,
        ];
        assert_eq!(inbound(&channels), Millisatoshi::new(75));
        assert_eq!(inbound(&[]), Millisatoshi::ZERO);
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        let endless = channel(ChannelState::ChanneldNormal, u64::MAX);
        let channels = [endless.clone(), endless];
        assert_eq!(inbound(&channels), Millisatoshi::new(u64::MAX));
    }

    #[test]
    fn computes_what_an_old_version_does_not_tell() {
        let amount = |msat| Some(Amount { msat });
        for (total, to_us, reserve, expected) in [
            (1_000, 300, 10, 690),
            (1_000, 995, 10, 0),
            (1_000, 2_000, 0, 0),
        ] {
            let mut channel = channel(ChannelState::ChanneldNormal, 0);
            channel.receivable_msat = None;
            channel.total_msat = amount(total);
            channel.to_us_msat = amount(to_us);
            channel.their_reserve_msat = amount(reserve);
            assert_eq!(inbound(&[channel]), Millisatoshi::new(expected));
        }
    }

    #[test]
    fn names_active_private_channels_by_id_and_alias() {
        let mut public = private(Some("1x1x1"), None, 9);
        public.private = Some(false);
        let mut away = private(Some("2x2x2"), None, 9);
        away.peer_connected = false;
        let channels = [
            public,
            away,
            private(Some("3x3x3"), None, 5),
            private(None, Some("4x4x4"), 7),
            private(Some("5x5x5"), Some("6x6x6"), 6),
            private(None, None, 8),
        ];
        let names = private_names(&channels);
        assert_eq!(names, ["4x4x4", "5x5x5", "6x6x6", "3x3x3"]);
    }

    #[test]
    fn names_no_more_channels_than_an_invoice_needs() {
        let channels: Vec<_> = (0..1_000)
            .map(|number| private(Some(&format!("{number}x1x1")), None, number))
            .collect();
        let names = private_names(&channels);
        assert_eq!(names.len(), MOST_HINTS);
        assert_eq!(names.first().unwrap(), "999x1x1");
    }
}
