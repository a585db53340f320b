use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{
    Bolt11InvoiceDescription, Currency, Description, InvoiceBuilder, PaymentSecret, RouteHint,
    RouteHintHop, RoutingFees, Sha256,
};
use secp256k1::{Secp256k1, SecretKey};

use crate::{
    channels::Channel,
    official::{InvoiceRequest, InvoiceResponse, amount_or_any},
};

/// A week, where none is asked for.
const DEFAULT_EXPIRY: u64 = 604_800;

/// BOLT 11 has no room for more beside a hash.
const LONGEST_DESCRIPTION: usize = 639;

/// Why no invoice was made: the number and the words of lightningd.
pub(crate) type Refused = (i64, String);

/// Makes the invoice that was asked for, which hints at `hinted`.
pub(crate) fn make(
    asked: &InvoiceRequest,
    key: &SecretKey,
    hinted: &[Channel],
) -> Result<InvoiceResponse, Refused> {
    let preimage: [u8; 32] = rand::random();
    let payment_hash = sha256::Hash::hash(&preimage);
    let secret: [u8; 32] = rand::random();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let expiry = Duration::from_secs(asked.expiry.unwrap_or(DEFAULT_EXPIRY));
    let mut builder = InvoiceBuilder::new(Currency::Regtest)
        .invoice_description(description(asked)?)
        .payment_hash(payment_hash)
        .payment_secret(PaymentSecret(secret))
        .duration_since_epoch(now)
        .min_final_cltv_expiry_delta(10)
        .expiry_time(expiry)
        .basic_mpp();
    if let Some(msat) = amount(asked)? {
        builder = builder.amount_milli_satoshis(msat);
    }
    for channel in hinted {
        builder = builder.private_route(hint(channel, key));
    }
    let secp = Secp256k1::signing_only();
    let invoice = builder
        .build_signed(|hash| secp.sign_ecdsa_recoverable(hash, key))
        .map_err(|error| (-1, error.to_string()))?;
    Ok(InvoiceResponse {
        bolt11: invoice.to_string(),
        payment_hash: payment_hash.to_byte_array().to_vec(),
        payment_secret: secret.to_vec(),
        expires_at: (now + expiry).as_secs(),
        warning_capacity: Some("Insufficient incoming channel capacity".to_owned()),
        warning_offline: Some("No channel with a peer that is currently connected".to_owned()),
        warning_deadends: Some("No channel with a peer that is not a dead end".to_owned()),
        warning_private_unused: Some("Insufficient incoming capacity".to_owned()),
        warning_mpp: Some("The invoice is only payable by MPP-capable payers.".to_owned()),
        created_index: 1,
    })
}

fn description(asked: &InvoiceRequest) -> Result<Bolt11InvoiceDescription, Refused> {
    if asked.deschashonly() {
        let hash = sha256::Hash::hash(asked.description.as_bytes());
        return Ok(Bolt11InvoiceDescription::Hash(Sha256(hash)));
    }
    let length = asked.description.len();
    Description::new(asked.description.clone())
        .ok()
        .filter(|_| length <= LONGEST_DESCRIPTION)
        .map(Bolt11InvoiceDescription::Direct)
        .ok_or_else(|| {
            let words = "Descriptions greater than 640 bytes not supported";
            (-32602, format!("{words} (description length {length})"))
        })
}

fn amount(asked: &InvoiceRequest) -> Result<Option<u64>, Refused> {
    let value = asked
        .amount_msat
        .as_ref()
        .and_then(|asked| asked.value.as_ref());
    match value {
        Some(amount_or_any::Value::Any(true)) => Ok(None),
        Some(amount_or_any::Value::Amount(amount)) if amount.msat > 0 => Ok(Some(amount.msat)),
        _ => {
            let words = "amount_msat: should be positive millisatoshis or 'any'";
            Err((-32602, words.to_owned()))
        }
    }
}

/// One hop over the channel; its peer is of no interest here.
fn hint(channel: &Channel, key: &SecretKey) -> RouteHint {
    let fees = RoutingFees {
        base_msat: 1,
        proportional_millionths: 10,
    };
    RouteHint(vec![RouteHintHop {
        src_node_id: key.public_key(&Secp256k1::signing_only()),
        short_channel_id: number(&channel.id),
        fees,
        cltv_expiry_delta: 34,
        htlc_minimum_msat: None,
        htlc_maximum_msat: None,
    }])
}

/// BOLT 7's 8 bytes of `BLOCKxTRANSACTIONxOUTPUT`.
pub(crate) fn number(id: &str) -> u64 {
    let mut parts = id.split('x').map(|part| part.parse::<u64>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    next() << 40 | next() << 16 | next()
}
