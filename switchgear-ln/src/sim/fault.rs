use std::time::Duration;

/// How a simulated node fails.
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
    /// Answers pings, and no call.
    Hang,
    /// Answers all calls but `AddInvoice`, as a deadlocked LND does.
    HangInvoices,
    /// Answers each call that much later.
    Slow(Duration),
    /// Answers each call with a gRPC status.
    Status {
        /// The number of the status, 1 to 16.
        code: i32,
        /// Its text.
        text: String,
    },
    /// Says that it does not follow the chain; makes invoices all the same.
    Unsynced,
    /// Refuses `ListChannels` as LND does for a macaroon without the right.
    NoChannelRights,
    /// Makes wrong invoices.
    Lie(SimLie),
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

    /// LND's own errors are plain Go errors, which gRPC sends with this code.
    fn unknown(text: &str) -> Self {
        Self::Status {
            code: 2,
            text: text.to_owned(),
        }
    }
}

/// How a wrong invoice is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SimLie {
    /// Twice the amount.
    Amount,
    /// Any amount that the payer likes.
    Amountless,
    /// It commits to another text.
    DescriptionHash,
    /// It is for another network.
    Network,
    /// Another key signed it.
    Payee,
    /// It lasts an hour longer.
    Expiry,
    /// The answer names another payment hash than the invoice.
    PaymentHash,
    /// No invoice at all.
    Garbage,
    /// Five megabytes.
    Oversized,
}

impl SimLie {
    /// Every lie.
    pub const ALL: [Self; 9] = [
        Self::Amount,
        Self::Amountless,
        Self::DescriptionHash,
        Self::Network,
        Self::Payee,
        Self::Expiry,
        Self::PaymentHash,
        Self::Garbage,
        Self::Oversized,
    ];
}
