use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{
    Bolt11Invoice, Bolt11InvoiceDescription, CreationError, Currency, Description, InvoiceBuilder,
    PaymentSecret, Sha256,
};
use secp256k1::{Secp256k1, SecretKey};
use switchgear_core::{Millisatoshi, ln::Network};

use super::SimLie;
use crate::lnd::proto;

/// Blocks between the payment's arrival and its end, as LND asks for by default.
const FINAL_CLTV_DELTA: u64 = 80;

/// An invoice that a simulated node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimInvoice {
    /// The text of the answer.
    pub bolt11: String,
    /// What a payment of it is known by.
    pub payment_hash: [u8; 32],
    /// What a payment of it proves.
    pub preimage: [u8; 32],
    /// The amount asked for.
    pub amount: Millisatoshi,
    /// The description hash asked for.
    pub description_hash: Vec<u8>,
    /// The expiry asked for.
    pub expiry: Duration,
    /// Whether route hints for private channels were asked for; there are none.
    pub private: bool,
    /// Whether an AMP invoice was asked for; it is an ordinary one.
    pub amp: bool,
}

/// Who signs, and for which network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer {
    pub(super) key: SecretKey,
    pub(super) network: Network,
}

impl Signer {
    /// Makes the invoice that was asked for, or one that is wrong in one way.
    pub(super) fn make(
        self,
        asked: &proto::Invoice,
        lie: Option<SimLie>,
    ) -> Result<SimInvoice, CreationError> {
        let preimage: [u8; 32] = rand::random();
        let payment_hash = sha256::Hash::hash(&preimage);
        let terms = Terms::new(self, asked, lie);
        Ok(SimInvoice {
            bolt11: match lie {
                Some(SimLie::Garbage) => "lnbcrt1thisisnoinvoice".to_owned(),
                Some(SimLie::Oversized) => "l".repeat(5 * 1024 * 1024),
                _ => terms.sign(payment_hash)?.to_string(),
            },
            payment_hash: payment_hash.to_byte_array(),
            preimage,
            amount: Millisatoshi::new(u64::try_from(asked.value_msat).unwrap_or(0)),
            description_hash: asked.description_hash.clone(),
            expiry: expiry(asked),
            private: asked.private,
            amp: asked.is_amp,
        })
    }
}

/// What the invoice says.
struct Terms {
    key: SecretKey,
    currency: Currency,
    amount: Option<u64>,
    description: Bolt11InvoiceDescription,
    expiry: Duration,
}

impl Terms {
    fn new(signer: Signer, asked: &proto::Invoice, lie: Option<SimLie>) -> Self {
        let amount = u64::try_from(asked.value_msat)
            .ok()
            .filter(|msat| *msat > 0);
        let mut terms = Self {
            key: signer.key,
            currency: currency(signer.network),
            amount,
            description: description(asked),
            expiry: expiry(asked),
        };
        match lie {
            Some(SimLie::Amount) => terms.amount = amount.map(|msat| msat.saturating_mul(2)),
            Some(SimLie::Amountless) => terms.amount = None,
            Some(SimLie::DescriptionHash) => {
                let other = Sha256(sha256::Hash::hash(b"something else"));
                terms.description = Bolt11InvoiceDescription::Hash(other);
            }
            Some(SimLie::Network) => terms.currency = other_currency(signer.network),
            Some(SimLie::Payee) => terms.key = random_key(),
            Some(SimLie::Expiry) => terms.expiry += Duration::from_secs(3_600),
            _ => {}
        }
        terms
    }

    fn sign(self, payment_hash: sha256::Hash) -> Result<Bolt11Invoice, CreationError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let builder = InvoiceBuilder::new(self.currency)
            .invoice_description(self.description)
            .payment_hash(payment_hash)
            .payment_secret(PaymentSecret(rand::random()))
            .duration_since_epoch(now.unwrap_or_default())
            .min_final_cltv_expiry_delta(FINAL_CLTV_DELTA)
            .expiry_time(self.expiry)
            .basic_mpp();
        let builder = match self.amount {
            Some(msat) => builder.amount_milli_satoshis(msat),
            None => builder,
        };
        let secp = Secp256k1::signing_only();
        builder.build_signed(|hash| secp.sign_ecdsa_recoverable(hash, &self.key))
    }
}

/// A key by chance.
pub(super) fn random_key() -> SecretKey {
    loop {
        // All but one in 2^128 numbers are keys.
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            return key;
        }
    }
}

/// LND's default is a day where none is asked for.
fn expiry(asked: &proto::Invoice) -> Duration {
    match u64::try_from(asked.expiry) {
        Ok(seconds @ 1..) => Duration::from_secs(seconds),
        _ => Duration::from_secs(86_400),
    }
}

fn description(asked: &proto::Invoice) -> Bolt11InvoiceDescription {
    match sha256::Hash::from_slice(&asked.description_hash) {
        Ok(hash) => Bolt11InvoiceDescription::Hash(Sha256(hash)),
        Err(_) => Bolt11InvoiceDescription::Direct(
            Description::new(asked.memo.clone()).unwrap_or_else(|_| Description::empty()),
        ),
    }
}

fn currency(network: Network) -> Currency {
    match network {
        Network::Bitcoin => Currency::Bitcoin,
        Network::Testnet => Currency::BitcoinTestnet,
        Network::Signet => Currency::Signet,
        _ => Currency::Regtest,
    }
}

fn other_currency(network: Network) -> Currency {
    match network {
        Network::Bitcoin => Currency::Regtest,
        _ => Currency::Bitcoin,
    }
}
