use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{
    Bolt11InvoiceDescription, CreationError, Currency, Description, InvoiceBuilder, PaymentSecret,
    Sha256,
};
use secp256k1::{Secp256k1, SecretKey, SignOnly};
use switchgear_core::{Millisatoshi, ln::Network};

use super::SimLie;

/// One for all: it takes far longer to make than an invoice.
static SECP: LazyLock<Secp256k1<SignOnly>> = LazyLock::new(Secp256k1::signing_only);

/// An invoice that a simulated node made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimInvoice {
    /// The text of the answer; none for [`SimLie::Oversized`], which is no text to keep.
    pub bolt11: String,
    /// What a payment of it is known by.
    pub payment_hash: [u8; 32],
    /// What a payment of it proves.
    pub preimage: [u8; 32],
    /// The amount asked for; zero where the payer may choose.
    pub amount: Millisatoshi,
    /// The description hash asked for; empty where the invoice carries the description itself.
    pub description_hash: Vec<u8>,
    /// The expiry asked for.
    pub expiry: Duration,
    /// Whether route hints for private channels were asked for; there are none.
    pub private: bool,
    /// Whether an AMP invoice was asked for; it is an ordinary one.
    pub amp: bool,
    /// What Core Lightning knows it by.
    pub label: Option<String>,
}

/// What a client asks of either kind of node.
#[derive(Debug)]
pub(super) struct Asked {
    /// In millisatoshi; the payer may choose where there is none.
    pub(super) amount: Option<u64>,
    pub(super) described: Described,
    pub(super) expiry: Duration,
    /// Blocks between the payment's arrival and its end.
    pub(super) final_cltv_delta: u64,
    pub(super) private: bool,
    pub(super) amp: bool,
    pub(super) label: Option<String>,
}

/// How an invoice tells what it is for.
#[derive(Debug, Clone)]
pub(super) enum Described {
    Hash(sha256::Hash),
    Text(Description),
}

/// Who signs, and for which network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer {
    pub(super) key: SecretKey,
    pub(super) network: Network,
}

impl Signer {
    /// What its signatures are checked with, compressed.
    pub(super) fn public_key(&self) -> secp256k1::PublicKey {
        self.key.public_key(&SECP)
    }

    /// Makes the invoice that was asked for, or one that is wrong in one way.
    pub(super) fn make(
        self,
        asked: Asked,
        lie: Option<SimLie>,
    ) -> Result<SimInvoice, CreationError> {
        let preimage: [u8; 32] = rand::random();
        let payment_hash = sha256::Hash::hash(&preimage);
        let bolt11 = match lie {
            Some(SimLie::Garbage) => "lnbcrt1thisisnoinvoice".to_owned(),
            Some(SimLie::Oversized) => String::new(),
            _ => Terms::new(self, &asked, lie).sign(payment_hash)?,
        };
        Ok(SimInvoice {
            bolt11,
            payment_hash: payment_hash.to_byte_array(),
            preimage,
            amount: Millisatoshi::new(asked.amount.unwrap_or(0)),
            description_hash: match asked.described {
                Described::Hash(hash) => hash.to_byte_array().to_vec(),
                Described::Text(_) => Vec::new(),
            },
            expiry: asked.expiry,
            private: asked.private,
            amp: asked.amp,
            label: asked.label,
        })
    }
}

impl SimInvoice {
    /// The text and the payment hash that the node answers.
    pub(super) fn told(&self, lie: Option<SimLie>) -> (String, Vec<u8>) {
        let mut payment_hash = self.payment_hash;
        if lie == Some(SimLie::PaymentHash) {
            payment_hash[0] ^= 1;
        }
        let bolt11 = match lie {
            Some(SimLie::Oversized) => "l".repeat(5 * 1024 * 1024),
            _ => self.bolt11.clone(),
        };
        (bolt11, payment_hash.to_vec())
    }
}

/// What the invoice says.
struct Terms {
    key: SecretKey,
    currency: Currency,
    amount: Option<u64>,
    described: Described,
    expiry: Duration,
    final_cltv_delta: u64,
}

impl Terms {
    fn new(signer: Signer, asked: &Asked, lie: Option<SimLie>) -> Self {
        let mut terms = Self {
            key: signer.key,
            currency: currency(signer.network),
            amount: asked.amount,
            described: asked.described.clone(),
            expiry: asked.expiry,
            final_cltv_delta: asked.final_cltv_delta,
        };
        match lie {
            Some(SimLie::Amount) => terms.amount = asked.amount.map(|msat| msat.saturating_mul(2)),
            Some(SimLie::Amountless) => terms.amount = None,
            Some(SimLie::DescriptionHash) => {
                terms.described = Described::Hash(sha256::Hash::hash(b"something else"));
            }
            Some(SimLie::Network) => terms.currency = other_currency(signer.network),
            Some(SimLie::Payee) => terms.key = random_key(),
            Some(SimLie::Expiry) => terms.expiry += Duration::from_secs(3_600),
            _ => {}
        }
        terms
    }

    fn sign(self, payment_hash: sha256::Hash) -> Result<String, CreationError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let builder = InvoiceBuilder::new(self.currency)
            .invoice_description(match self.described {
                Described::Hash(hash) => Bolt11InvoiceDescription::Hash(Sha256(hash)),
                Described::Text(text) => Bolt11InvoiceDescription::Direct(text),
            })
            .payment_hash(payment_hash)
            .payment_secret(PaymentSecret(rand::random()))
            .duration_since_epoch(now.unwrap_or_default())
            .min_final_cltv_expiry_delta(self.final_cltv_delta)
            .expiry_time(self.expiry)
            .basic_mpp();
        let builder = match self.amount {
            Some(msat) => builder.amount_milli_satoshis(msat),
            None => builder,
        };
        // Signed as it is: to check what was built right here would double the work.
        let signed = builder
            .build_raw()?
            .sign(|hash| Ok(SECP.sign_ecdsa_recoverable(hash, &self.key)))?;
        Ok(signed.to_string())
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

/// The same key for the same seed.
pub(super) fn seeded_key(seed: u64) -> SecretKey {
    let hash = sha256::Hash::hash(&seed.to_be_bytes());
    SecretKey::from_slice(hash.as_byte_array()).unwrap_or_else(|_| random_key())
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
