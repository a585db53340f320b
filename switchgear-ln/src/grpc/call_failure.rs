use switchgear_core::ln::{LnError, LnErrorKind};

/// Why a call failed, told apart by what the node may have done for it.
#[derive(Debug)]
pub(super) enum CallFailure {
    /// There was no connection to make it on.
    Connect(LnError),
    /// The node has not taken it.
    NotTaken(LnError),
    /// The node hung up on this side's certificate, before it took any call.
    ShutOut(LnError),
    /// The node answered, and refused.
    Answered(LnError),
    /// The connection broke, and nobody knows what became of the call.
    Broke(LnError),
}

impl CallFailure {
    /// Whether the node did nothing for the call, and might with other credentials.
    pub(super) fn asks_for_other_credentials(&self) -> bool {
        use LnErrorKind::{Tls, Unauthorized};

        match self {
            Self::Connect(error) => matches!(error.kind(), Tls | Unauthorized),
            Self::Answered(error) => error.kind() == Unauthorized,
            Self::ShutOut(_) => true,
            Self::NotTaken(_) | Self::Broke(_) => false,
        }
    }

    /// What the caller gets.
    pub(super) fn into_error(self) -> LnError {
        match self {
            Self::Connect(error)
            | Self::NotTaken(error)
            | Self::ShutOut(error)
            | Self::Answered(error)
            | Self::Broke(error) => error,
        }
    }
}
