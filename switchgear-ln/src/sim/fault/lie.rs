use std::fmt;

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

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Amountless => "amountless",
            Self::DescriptionHash => "description-hash",
            Self::Network => "network",
            Self::Payee => "payee",
            Self::Expiry => "expiry",
            Self::PaymentHash => "payment-hash",
            Self::Garbage => "garbage",
            Self::Oversized => "oversized",
        }
    }
}

impl fmt::Display for SimLie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
