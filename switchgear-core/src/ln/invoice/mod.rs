use std::{str::FromStr as _, time::Duration};

use bitcoin_hashes::Hash as _;
use lightning_invoice::{
    Bolt11Invoice, Bolt11SemanticError, Currency, ExpiryTime, Sha256, SignedRawBolt11Invoice,
};

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
    /// more than half of the expiry, so that the invoice can still be paid for the other half.
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
        let age = expected.unix_time.saturating_sub(invoice.created);
        let ahead = invoice.created.saturating_sub(expected.unix_time);
        let stale = age > (request.expiry / 2).min(Self::CLOCK_TOLERANCE);
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

/// What is compared of an invoice whose form and signature are good.
struct Decoded {
    amount: Option<Millisatoshi>,
    description_hash: Option<[u8; 32]>,
    payment_hash: [u8; 32],
    currency: Currency,
    payee: PublicKey,
    created: Duration,
    expiry: Duration,
}

impl Decoded {
    fn try_new(bolt11: &str) -> Result<Self, Lie> {
        let signed = SignedRawBolt11Invoice::from_str(bolt11).map_err(|_| Lie::Undecodable)?;
        check_form(&signed)?;
        let payee = signed
            .recover_payee_pub_key()
            .map_err(|_| Lie::Undecodable)?;
        let raw = signed.raw_invoice();
        let bytes = |hash: &Sha256| hash.0.to_byte_array();
        Ok(Self {
            amount: raw.amount_pico_btc().map(msat).transpose()?,
            description_hash: raw.description_hash().map(bytes),
            payment_hash: raw.payment_hash().map(bytes).ok_or(Lie::Undecodable)?,
            currency: raw.currency(),
            payee: payee.0.into(),
            created: raw.data.timestamp.as_duration_since_epoch(),
            expiry: raw
                .expiry_time()
                .map(ExpiryTime::as_duration)
                .copied()
                .unwrap_or(BOLT11_EXPIRY),
        })
    }
}

/// How long an invoice that does not say so can be paid (BOLT 11).
const BOLT11_EXPIRY: Duration = Duration::from_secs(lightning_invoice::DEFAULT_EXPIRY_TIME);

/// The rules of BOLT 11, but for required features that the decoder does not know: whether it can pay
/// such an invoice (an AMP invoice of LND, say) is for the wallet to decide.
fn check_form(signed: &SignedRawBolt11Invoice) -> Result<(), Lie> {
    let features = signed.raw_invoice().features();
    let has_secret = features.is_some_and(|features| features.supports_payment_secret());
    match Bolt11Invoice::from_signed(signed.clone()) {
        Ok(_) => Ok(()),
        // The features are judged before the signature, which is therefore judged here.
        Err(Bolt11SemanticError::InvalidFeatures) if has_secret && signed.check_signature() => {
            Ok(())
        }
        Err(_) => Err(Lie::Undecodable),
    }
}

/// An amount of BOLT 11, in pico-bitcoin, as msat.
fn msat(pico: u64) -> Result<Millisatoshi, Lie> {
    const PICO_PER_MSAT: u64 = 10;

    if pico.is_multiple_of(PICO_PER_MSAT) {
        Ok(Millisatoshi::new(pico / PICO_PER_MSAT))
    } else {
        Err(Lie::Undecodable)
    }
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
