use std::{str::FromStr as _, sync::LazyLock, time::Duration};

use bitcoin_hashes::Hash as _;
use lightning_invoice::{
    Currency, ExpiryTime, RawBolt11Invoice, Sha256, SignedRawBolt11Invoice, TaggedField,
};
use secp256k1::{Message, Secp256k1, VerifyOnly};

use super::Lie;
use crate::{Millisatoshi, backend::PublicKey};

/// How long an invoice that does not say so can be paid (BOLT 11).
const BOLT11_EXPIRY: Duration = Duration::from_secs(lightning_invoice::DEFAULT_EXPIRY_TIME);

/// Where signatures are checked; it has no state of any of them.
static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// What is compared of an invoice whose form and signature are good.
pub(super) struct Decoded {
    pub(super) amount: Option<Millisatoshi>,
    pub(super) description_hash: Option<[u8; 32]>,
    pub(super) payment_hash: [u8; 32],
    pub(super) currency: Currency,
    pub(super) payee: PublicKey,
    /// Since the Unix epoch.
    pub(super) created: Duration,
    pub(super) expiry: Duration,
}

impl Decoded {
    /// # Errors
    /// [`Lie::Undecodable`] for what is against the rules of BOLT 11.
    pub(super) fn try_new(bolt11: &str) -> Result<Self, Lie> {
        let signed = SignedRawBolt11Invoice::from_str(bolt11).map_err(|_| Lie::Undecodable)?;
        let raw = signed.raw_invoice();
        check_fields(raw)?;
        let bytes = |hash: &Sha256| hash.0.to_byte_array();
        Ok(Self {
            amount: raw.amount_pico_btc().map(msat).transpose()?,
            description_hash: raw.description_hash().map(bytes),
            payment_hash: raw.payment_hash().map(bytes).ok_or(Lie::Undecodable)?,
            currency: raw.currency(),
            payee: signer(&signed)?,
            created: raw.data.timestamp.as_duration_since_epoch(),
            expiry: raw
                .expiry_time()
                .map(ExpiryTime::as_duration)
                .copied()
                .unwrap_or(BOLT11_EXPIRY),
        })
    }
}

/// One payment hash, one description or its hash, one payment secret and the feature that goes with
/// it.
///
/// Required features that the decoder does not know are let through: whether it can pay such an
/// invoice (an AMP invoice of LND, say) is for the wallet to decide.
fn check_fields(raw: &RawBolt11Invoice) -> Result<(), Lie> {
    let (mut payment_hashes, mut descriptions, mut secrets) = (0, 0, 0);
    for field in raw.known_tagged_fields() {
        match field {
            TaggedField::PaymentHash(_) => payment_hashes += 1,
            TaggedField::Description(_) | TaggedField::DescriptionHash(_) => descriptions += 1,
            TaggedField::PaymentSecret(_) => secrets += 1,
            _ => {}
        }
    }
    let features = raw.features();
    let names_secret = features.is_some_and(|features| features.supports_payment_secret());
    match (payment_hashes, descriptions, secrets) {
        (1, 1, 1) if names_secret => Ok(()),
        _ => Err(Lie::Undecodable),
    }
}

/// Who signed the invoice: the payee that it names, whose signature must then hold in its low form,
/// or else whoever the signature leads to (BOLT 11, field `n`).
fn signer(signed: &SignedRawBolt11Invoice) -> Result<PublicKey, Lie> {
    let message = Message::from_digest(*signed.signable_hash());
    let signature = signed.signature();
    let key = match signed.raw_invoice().payee_pub_key() {
        Some(payee) => CURVE
            .verify_ecdsa(&message, &signature.to_standard(), payee)
            .map(|()| payee.0),
        None => CURVE.recover_ecdsa(&message, signature),
    };
    key.map(Into::into).map_err(|_| Lie::Undecodable)
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
