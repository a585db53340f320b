//! What can go wrong with a node: faults, their kinds, lies, and how all of them are written.

mod kind;
mod lie;
mod parse;

use std::time::Duration;

pub use self::{kind::FaultKind, lie::SimLie, parse::ParseFaultError};

/// How a simulated node fails. The table in [`sim`](super) tells what a client sees of each.
///
/// Written as the table says, it is read by [`str::parse`].
///
/// ```
/// use std::time::Duration;
/// use switchgear_ln::sim::Fault;
///
/// assert_eq!("slow 3s".parse(), Ok(Fault::Slow(Duration::from_secs(3))));
/// assert_eq!("one-in 2 starting".parse(), Ok(Fault::one_in(2, Fault::starting())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Stops as a process does that is asked to: calls in flight finish, then connections are
    /// refused.
    Refuse,
    /// Stops as a process does that is killed: connections break at once, and new ones are refused.
    Die,
    /// Stops as a process does that is frozen: the kernel takes connections and bytes, nothing
    /// answers, not even HTTP/2 pings.
    Freeze,
    /// As gone from the network as a program can make it: what is open is frozen, and new
    /// connections are never established, as the kernel's backlog is full (on Linux; elsewhere the
    /// kernel still takes some). The kernel goes on acknowledging bytes on open connections; packets
    /// that vanish need a network namespace with a filter.
    BlackHole,
    /// Answers pings, and no call.
    Hang,
    /// Answers all calls but those for an invoice, as a deadlocked LND does.
    HangInvoices,
    /// Answers each call that much later.
    Slow(Duration),
    /// Answers each call at once, but one byte at a time, that far apart.
    Trickle(Duration),
    /// Sends the headers of each answer, and nothing more.
    StallAfterHeaders,
    /// Sends half of an answer, then resets the connection, with all calls on it.
    ResetMidAnswer,
    /// Answers each call, and tells its connection to go away; the next call needs another one.
    GoAway,
    /// Tells the connection to go away instead of answering, and closes it. The frame says that no
    /// call was begun, so that each may be made again.
    GoAwayUnanswered,
    /// Never grants the window for a request's bytes: HTTP/2 flow control stalls, while pings are
    /// answered. Open connections break, as the window of each is settled when it opens.
    FlowControlStall,
    /// Refuses each TLS handshake by an alert. Open connections break.
    TlsAlert,
    /// Has let its certificate expire: the expired one stands in its file and is shown. Open
    /// connections break.
    ExpiredCertificate,
    /// Shows another certificate than its file's, as another program on its port would. Open
    /// connections break.
    SwappedCertificate,
    /// Answers each call with a gRPC status, at once: any latency is left out.
    Status {
        /// The number of the status, 1 to 16.
        code: i32,
        /// Its text.
        text: String,
    },
    /// Answers each call as Core Lightning's gRPC plugin does when `lightningd` refuses it: with the
    /// status `Unknown`, and the method, code and message in its text.
    RpcError {
        /// The code of JSON-RPC.
        code: i32,
        /// The words of `lightningd`.
        message: String,
    },
    /// Says that it does not follow the chain; makes invoices all the same.
    Unsynced,
    /// Refuses to list channels, as LND does for a macaroon without the right.
    NoChannelRights,
    /// Answers all calls but those for the list of channels, as a node with very many of them.
    HangChannels,
    /// Makes wrong invoices.
    Lie(SimLie),
    /// Meets one call in so many, by chance, with another fault: one that concerns single calls.
    OneIn(u32, Box<Fault>),
}

impl Fault {
    /// Answers each call as LND does before its wallet is unlocked.
    pub fn locked() -> Self {
        Self::unknown("wallet locked, unlock it to enable full RPC access")
    }

    /// Answers each call as LND does while it starts.
    pub fn starting() -> Self {
        Self::unknown(
            "the RPC server is in the process of starting up, but not yet ready to accept calls",
        )
    }

    /// Answers each call as Core Lightning does while it shuts down.
    pub fn shutting_down() -> Self {
        Self::RpcError {
            code: -5,
            message: "lightningd is shutting down".to_owned(),
        }
    }

    /// Answers each call as Core Lightning's gRPC plugin does when `lightningd` is gone behind it.
    pub fn lightningd_gone() -> Self {
        Self::Status {
            code: 13,
            text: "Connection refused (os error 111)".to_owned(),
        }
    }

    /// Meets one call in `calls`, by chance, with `fault`; 0 counts as 1.
    pub fn one_in(calls: u32, fault: Self) -> Self {
        Self::OneIn(calls.max(1), Box::new(fault))
    }

    /// What it is without its particulars; [`Fault::OneIn`] is of its inner fault's kind.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Refuse => FaultKind::Refuse,
            Self::Die => FaultKind::Die,
            Self::Freeze => FaultKind::Freeze,
            Self::BlackHole => FaultKind::BlackHole,
            Self::Hang => FaultKind::Hang,
            Self::HangInvoices => FaultKind::HangInvoices,
            Self::Slow(_) => FaultKind::Slow,
            Self::Trickle(_) => FaultKind::Trickle,
            Self::StallAfterHeaders => FaultKind::StallAfterHeaders,
            Self::ResetMidAnswer => FaultKind::ResetMidAnswer,
            Self::GoAway => FaultKind::GoAway,
            Self::GoAwayUnanswered => FaultKind::GoAwayUnanswered,
            Self::FlowControlStall => FaultKind::FlowControlStall,
            Self::TlsAlert => FaultKind::TlsAlert,
            Self::ExpiredCertificate => FaultKind::ExpiredCertificate,
            Self::SwappedCertificate => FaultKind::SwappedCertificate,
            Self::Status { .. } => FaultKind::Status,
            Self::RpcError { .. } => FaultKind::RpcError,
            Self::Unsynced => FaultKind::Unsynced,
            Self::NoChannelRights => FaultKind::NoChannelRights,
            Self::HangChannels => FaultKind::HangChannels,
            Self::Lie(_) => FaultKind::Lie,
            Self::OneIn(_, fault) => fault.kind(),
        }
    }

    /// What one call meets.
    pub(super) fn rolled(&self) -> Option<&Self> {
        match self {
            Self::OneIn(calls, fault) if rand::random_range(0..(*calls).max(1)) == 0 => {
                fault.rolled()
            }
            Self::OneIn(..) => None,
            fault => Some(fault),
        }
    }

    /// LND's own errors are plain Go errors, which gRPC sends with this code.
    fn unknown(text: &str) -> Self {
        Self::Status {
            code: 2,
            text: text.to_owned(),
        }
    }
}
