mod decoded;

use std::time::Duration;

use lightning_invoice::Currency;

use self::decoded::Decoded;
use super::{InvoiceRequest, Network};
use crate::{Millisatoshi, backend::PublicKey};

/// A BOLT11 invoice as a node gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// The text that a wallet pays.
    pub bolt11: String,
    /// What the payment is known by.
    pub payment_hash: [u8; 32],
}

/// What an invoice must say besides what the request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expectation {
    /// Who must have signed it, where that is known.
    pub payee: Option<PublicKey>,
    /// The network, where that is known.
    pub network: Option<Network>,
    /// The present moment, since the Unix epoch; the invoice must still be payable for most of the
    /// expiry asked for.
    pub unix_time: Duration,
}

impl Invoice {
    /// How far a node's clock may be off before its invoices count as lies; one that is behind, by no
    /// more than half of the expiry (or a second, in which invoices are dated), so that the invoice can
    /// still be paid for the other half.
    pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(600);

    /// Checks that the invoice is the one asked for: it decodes and its signature holds; amount,
    /// description hash, payment hash and expiry are right; payee and network where they are known.
    ///
    /// # Errors
    /// The first difference found.
    pub fn verify(&self, request: &InvoiceRequest, expected: &Expectation) -> Result<(), Lie> {
        let invoice = Decoded::try_new(&self.bolt11)?;
        if invoice.amount != Some(request.amount) {
            return Err(Lie::Amount {
                asked: request.amount,
                got: invoice.amount,
            });
        }
        if invoice.description_hash.as_ref() != Some(request.metadata.hash()) {
            return Err(Lie::DescriptionHash);
        }
        if invoice.payment_hash != self.payment_hash {
            return Err(Lie::PaymentHash);
        }
        if let Some(network) = expected.network
            && currency(network) != invoice.currency
        {
            return Err(Lie::Network { asked: network });
        }
        if let Some(payee) = expected.payee
            && invoice.payee != payee
        {
            return Err(Lie::Payee { got: invoice.payee });
        }
        // Invoices are dated in whole seconds.
        let now = Duration::from_secs(expected.unix_time.as_secs());
        let age = now.saturating_sub(invoice.created);
        let ahead = invoice.created.saturating_sub(now);
        let half = (request.expiry / 2).max(Duration::from_secs(1));
        let stale = age > half.min(Self::CLOCK_TOLERANCE);
        if invoice.expiry != request.expiry || stale || ahead > Self::CLOCK_TOLERANCE {
            return Err(Lie::Expiry);
        }
        Ok(())
    }
}

/// How an invoice differs from the one asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lie {
    /// No BOLT11, or its signature does not hold.
    #[error("it does not decode")]
    Undecodable,
    /// Another amount, or none.
    #[error("its amount is {} instead of {asked}", got.map_or_else(|| "missing".to_owned(), |got| got.to_string()))]
    Amount {
        /// What the request said.
        asked: Millisatoshi,
        /// What the invoice says.
        got: Option<Millisatoshi>,
    },
    /// It commits to another description.
    #[error("its description hash is not that of the offer's metadata")]
    DescriptionHash,
    /// The node's answer contradicts its own invoice.
    #[error("its payment hash is not the one that the node named")]
    PaymentHash,
    /// It is for another network.
    #[error("it is not for {asked}")]
    Network {
        /// The network expected.
        asked: Network,
    },
    /// Another node signed it.
    #[error("it is signed by {got}")]
    Payee {
        /// Who signed.
        got: PublicKey,
    },
    /// It lasts longer or shorter than asked for, or is over already.
    #[error("its expiry is not the one asked for")]
    Expiry,
}

fn currency(network: Network) -> Currency {
    match network {
        Network::Bitcoin => Currency::Bitcoin,
        Network::Testnet => Currency::BitcoinTestnet,
        Network::Signet => Currency::Signet,
        Network::Regtest => Currency::Regtest,
    }
}

#[cfg(test)]
mod tests;
