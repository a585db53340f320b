use std::fmt;

/// What a [`Fault`](super::Fault) is without its particulars: what counters count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each stands for the fault of its name, which is documented"
)]
pub enum FaultKind {
    Refuse,
    Die,
    Freeze,
    BlackHole,
    Hang,
    HangInvoices,
    Slow,
    Trickle,
    StallAfterHeaders,
    ResetMidAnswer,
    GoAway,
    GoAwayUnanswered,
    FlowControlStall,
    TlsAlert,
    ExpiredCertificate,
    SwappedCertificate,
    Status,
    RpcError,
    Unsynced,
    NoChannelRights,
    HangChannels,
    Lie,
}

impl FaultKind {
    /// Every kind, in the order of its declaration.
    pub const ALL: [Self; 22] = [
        Self::Refuse,
        Self::Die,
        Self::Freeze,
        Self::BlackHole,
        Self::Hang,
        Self::HangInvoices,
        Self::Slow,
        Self::Trickle,
        Self::StallAfterHeaders,
        Self::ResetMidAnswer,
        Self::GoAway,
        Self::GoAwayUnanswered,
        Self::FlowControlStall,
        Self::TlsAlert,
        Self::ExpiredCertificate,
        Self::SwappedCertificate,
        Self::Status,
        Self::RpcError,
        Self::Unsynced,
        Self::NoChannelRights,
        Self::HangChannels,
        Self::Lie,
    ];

    /// The word that it is written with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Die => "die",
            Self::Freeze => "freeze",
            Self::BlackHole => "black-hole",
            Self::Hang => "hang",
            Self::HangInvoices => "hang-invoices",
            Self::Slow => "slow",
            Self::Trickle => "trickle",
            Self::StallAfterHeaders => "stall-after-headers",
            Self::ResetMidAnswer => "reset-mid-answer",
            Self::GoAway => "go-away",
            Self::GoAwayUnanswered => "go-away-unanswered",
            Self::FlowControlStall => "flow-control-stall",
            Self::TlsAlert => "tls-alert",
            Self::ExpiredCertificate => "expired-certificate",
            Self::SwappedCertificate => "swapped-certificate",
            Self::Status => "status",
            Self::RpcError => "rpc-error",
            Self::Unsynced => "unsynced",
            Self::NoChannelRights => "no-channel-rights",
            Self::HangChannels => "hang-channels",
            Self::Lie => "lie",
        }
    }

    /// What stands behind the word.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Slow | Self::Trickle => "TIME",
            Self::Status | Self::RpcError => "CODE [TEXT]",
            Self::Lie => "WHAT",
            _ => "",
        }
    }

    /// What a node with this fault does, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Refuse => "stop in order: finish calls, then refuse connections",
            Self::Die => "stop as if killed: break connections, refuse new ones",
            Self::Freeze => "stop as if frozen: take connections and bytes, answer nothing",
            Self::BlackHole => "freeze, and let no new connection be established",
            Self::Hang => "answer pings, and no call",
            Self::HangInvoices => "answer all calls but those for an invoice",
            Self::Slow => "answer each call that much later",
            Self::Trickle => "answer one byte at a time, that far apart",
            Self::StallAfterHeaders => "send the headers of each answer, and no more",
            Self::ResetMidAnswer => "send half of an answer, then reset the connection",
            Self::GoAway => "answer each call, and tell its connection to go away",
            Self::GoAwayUnanswered => "tell the connection to go away instead of answering",
            Self::FlowControlStall => "never grant the window for a request's bytes",
            Self::TlsAlert => "refuse TLS handshakes by an alert",
            Self::ExpiredCertificate => "let the own certificate expire",
            Self::SwappedCertificate => "show another certificate than the file's",
            Self::Status => "answer each call with a gRPC status, at once",
            Self::RpcError => "answer each call as lightningd refuses it",
            Self::Unsynced => "not follow the chain",
            Self::NoChannelRights => "refuse to list channels",
            Self::HangChannels => "answer all calls but those for the list of channels",
            Self::Lie => "make wrong invoices",
        }
    }

    /// Whether single calls meet it, so that others may pass.
    pub(in crate::sim) fn is_of_calls(self) -> bool {
        match self {
            Self::Refuse
            | Self::Die
            | Self::Freeze
            | Self::BlackHole
            | Self::FlowControlStall
            | Self::TlsAlert
            | Self::ExpiredCertificate
            | Self::SwappedCertificate => false,
            Self::Hang
            | Self::HangInvoices
            | Self::Slow
            | Self::Trickle
            | Self::StallAfterHeaders
            | Self::ResetMidAnswer
            | Self::GoAway
            | Self::GoAwayUnanswered
            | Self::Status
            | Self::RpcError
            | Self::Unsynced
            | Self::NoChannelRights
            | Self::HangChannels
            | Self::Lie => true,
        }
    }

    /// Whether it is settled when a connection opens, so that open ones must end.
    pub(in crate::sim) fn is_of_connections(self) -> bool {
        matches!(
            self,
            Self::FlowControlStall
                | Self::TlsAlert
                | Self::ExpiredCertificate
                | Self::SwappedCertificate
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_in_all_at_its_own_place() {
        for (place, kind) in FaultKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind}");
        }
    }
}
