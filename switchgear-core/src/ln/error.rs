use std::error::Error;

use super::Lie;

/// What went wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LnErrorKind {
    /// No connection, or it broke.
    Unreachable,
    /// No answer within the time allowed.
    Timeout,
    /// TLS failed: a certificate that is expired, foreign or of another name.
    Tls,
    /// The node's credentials cannot be read on this side.
    Credentials,
    /// The node refused this client's credentials.
    Unauthorized,
    /// The node is starting, locked, or behind the chain.
    NotReady,
    /// The node refused the request.
    Refused,
    /// The node answered something that is no answer.
    Protocol,
    /// The node's invoice is not what was asked for.
    Lie,
    /// This side's own fault: a call of a kind that the node does not know.
    Internal,
}

/// Whose fault a failure was: only the node's counts towards its ejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The node, or the way to it.
    Node,
    /// What was asked, or this side: another node may still answer.
    Request,
}

/// A node's failure to answer.
///
/// The message is for administrators: it may name the node. What a wallet sees is made from
/// [`NoInvoice`](super::NoInvoice) instead.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LnError {
    kind: LnErrorKind,
    transient: bool,
    blame: Blame,
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl LnError {
    /// A failure with what `kind` usually means for blame and transience.
    pub fn new(kind: LnErrorKind, message: impl Into<String>) -> Self {
        use LnErrorKind as Kind;

        let (transient, blame) = match kind {
            Kind::Unreachable | Kind::Timeout | Kind::NotReady => (true, Blame::Node),
            Kind::Tls | Kind::Credentials | Kind::Unauthorized | Kind::Protocol | Kind::Lie => {
                (false, Blame::Node)
            }
            Kind::Refused | Kind::Internal => (false, Blame::Request),
        };
        Self {
            kind,
            transient,
            blame,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Blames another than the kind usually does.
    #[must_use]
    pub fn with_blame(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> LnErrorKind {
        self.kind
    }

    /// Whether the same call may succeed a little later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whose fault it was.
    pub fn blame(&self) -> Blame {
        self.blame
    }
}

impl From<Lie> for LnError {
    fn from(lie: Lie) -> Self {
        Self::new(LnErrorKind::Lie, format!("made a wrong invoice: {lie}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blames_the_node_except_for_what_was_asked_or_this_side_did() {
        use LnErrorKind as Kind;

        for (kind, transient, blame) in [
            (Kind::Unreachable, true, Blame::Node),
            (Kind::Timeout, true, Blame::Node),
            (Kind::NotReady, true, Blame::Node),
            (Kind::Tls, false, Blame::Node),
            (Kind::Credentials, false, Blame::Node),
            (Kind::Unauthorized, false, Blame::Node),
            (Kind::Protocol, false, Blame::Node),
            (Kind::Lie, false, Blame::Node),
            (Kind::Refused, false, Blame::Request),
            (Kind::Internal, false, Blame::Request),
        ] {
            let error = LnError::new(kind, "failed");
            assert_eq!(error.kind(), kind);
            assert_eq!(error.is_transient(), transient, "{kind:?}");
            assert_eq!(error.blame(), blame, "{kind:?}");
        }
    }

    #[test]
    fn another_blame_changes_neither_kind_nor_transience() {
        let error = LnError::new(LnErrorKind::Refused, "out of files").with_blame(Blame::Node);
        assert_eq!(error.blame(), Blame::Node);
        assert_eq!(error.kind(), LnErrorKind::Refused);
        assert!(!error.is_transient());
    }

    #[test]
    fn says_its_own_level_and_keeps_the_cause() {
        let error = LnError::new(LnErrorKind::Unreachable, "cannot connect");
        assert!(error.source().is_none());
        let error = error.with_source("connection refused");
        assert_eq!(error.to_string(), "cannot connect");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
    }

    #[test]
    fn a_lie_is_the_nodes_fault_and_is_told() {
        let error = LnError::from(Lie::DescriptionHash);
        assert_eq!(error.kind(), LnErrorKind::Lie);
        assert_eq!(error.blame(), Blame::Node);
        assert_eq!(
            error.to_string(),
            "made a wrong invoice: its description hash is not that of the offer's metadata"
        );
    }
}
