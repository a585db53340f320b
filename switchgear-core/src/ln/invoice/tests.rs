use std::str::FromStr as _;

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{
    Bolt11Invoice, Bolt11SemanticError, Description, InvoiceBuilder, PayeePubKey, PaymentSecret,
    RawBolt11Invoice, RawTaggedField, Sha256, SiPrefix, SignedRawBolt11Invoice, TaggedField,
};
use secp256k1::{
    Message, Secp256k1, SecretKey,
    ecdsa::{RecoverableSignature, RecoveryId},
};

use super::*;
use crate::{Partition, lnurl::PayMetadata};

const CREATED: Duration = Duration::from_secs(1_700_000_000);
const METADATA: &str = r#"[["text/plain","a coffee"]]"#;

/// What a node wrote into its invoice.
#[derive(Clone)]
struct Written {
    currency: Currency,
    msat: Option<u64>,
    metadata: &'static str,
    expiry: u64,
    key: [u8; 32],
}

impl Written {
    fn asked() -> Self {
        Self {
            currency: Currency::Regtest,
            msat: Some(21_000),
            metadata: METADATA,
            expiry: 180,
            key: [7; 32],
        }
    }

    fn sign(&self) -> Invoice {
        let hash = sha256::Hash::hash(&[1; 32]);
        let key = SecretKey::from_slice(&self.key).unwrap();
        let mut builder = InvoiceBuilder::new(self.currency.clone())
            .description_hash(sha256::Hash::hash(self.metadata.as_bytes()))
            .payment_hash(hash)
            .payment_secret(PaymentSecret([2; 32]))
            .duration_since_epoch(CREATED)
            .min_final_cltv_expiry_delta(80)
            .expiry_time(Duration::from_secs(self.expiry));
        if let Some(msat) = self.msat {
            builder = builder.amount_milli_satoshis(msat);
        }
        let invoice = builder
            .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key))
            .unwrap();
        Invoice {
            bolt11: invoice.to_string(),
            payment_hash: hash.to_byte_array(),
        }
    }
}

fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::new(21_000),
        metadata: PayMetadata::from_served(METADATA),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

fn public_key(secret: [u8; 32]) -> PublicKey {
    SecretKey::from_slice(&secret)
        .unwrap()
        .public_key(&Secp256k1::new())
        .into()
}

fn expected() -> Expectation {
    Expectation {
        payee: Some(public_key([7; 32])),
        network: Some(Network::Regtest),
        unix_time: CREATED + Duration::from_secs(1),
    }
}

fn verdict(written: &Written) -> Result<(), Lie> {
    written.sign().verify(&request(), &expected())
}

#[test]
fn takes_the_invoice_that_was_asked_for() {
    assert_eq!(verdict(&Written::asked()), Ok(()));
}

#[test]
fn names_each_lie() {
    let asked = Written::asked();
    let lie = |change: fn(&mut Written)| {
        let mut written = asked.clone();
        change(&mut written);
        verdict(&written).unwrap_err()
    };
    let amount = |got| Lie::Amount {
        asked: Millisatoshi::new(21_000),
        got,
    };
    assert_eq!(lie(|w| w.msat = None), amount(None));
    assert_eq!(
        lie(|w| w.msat = Some(21_001)),
        amount(Some(Millisatoshi::new(21_001)))
    );
    assert_eq!(lie(|w| w.metadata = "[]"), Lie::DescriptionHash);
    let network = Network::Regtest;
    assert_eq!(
        lie(|w| w.currency = Currency::Bitcoin),
        Lie::Network { asked: network }
    );
    let got = public_key([8; 32]);
    assert_eq!(lie(|w| w.key = [8; 32]), Lie::Payee { got });
    assert_eq!(lie(|w| w.expiry = 179), Lie::Expiry);
}

#[test]
fn refuses_what_is_no_invoice_and_an_answer_that_contradicts_it() {
    let good = Written::asked().sign();
    let broken = |bolt11: String| {
        Invoice {
            bolt11,
            ..good.clone()
        }
        .verify(&request(), &expected())
    };
    assert_eq!(broken(String::new()), Err(Lie::Undecodable));
    assert_eq!(broken("lnbcrt1".into()), Err(Lie::Undecodable));
    let mut text = good.bolt11.clone();
    text.pop();
    assert_eq!(broken(text), Err(Lie::Undecodable));

    let other = Invoice {
        payment_hash: [0; 32],
        ..good
    };
    assert_eq!(other.verify(&request(), &expected()), Err(Lie::PaymentHash));
}

#[test]
fn bears_a_clock_that_is_a_little_off_and_no_more() {
    let at = |unix_time, expiry| {
        let written = Written {
            expiry,
            ..Written::asked()
        };
        let request = InvoiceRequest {
            expiry: Duration::from_secs(expiry),
            ..request()
        };
        let expected = Expectation {
            unix_time,
            ..expected()
        };
        written.sign().verify(&request, &expected)
    };
    let second = Duration::from_secs(1);
    for (expiry, oldest) in [(1, 1), (2, 1), (5, 2), (180, 90), (3_600, 600)] {
        let oldest = Duration::from_secs(oldest);
        // An invoice is dated in whole seconds, and its second lasts until the next.
        assert_eq!(at(CREATED + oldest + second.mul_f64(0.9), expiry), Ok(()));
        assert_eq!(at(CREATED + oldest + second, expiry), Err(Lie::Expiry));
        let tolerance = Invoice::CLOCK_TOLERANCE;
        assert_eq!(at(CREATED - tolerance, expiry), Ok(()));
        assert_eq!(at(CREATED - tolerance - second, expiry), Err(Lie::Expiry));
    }
}

#[test]
fn asks_nothing_of_payee_and_network_where_they_are_not_known() {
    let expected = Expectation {
        payee: None,
        network: None,
        ..expected()
    };
    let mut written = Written::asked();
    written.key = [9; 32];
    written.currency = Currency::Signet;
    assert_eq!(written.sign().verify(&request(), &expected), Ok(()));
}

/// The invoice asked for, changed in what the builder does not let go, and signed again.
fn signed_again(change: impl FnOnce(&mut RawBolt11Invoice)) -> Invoice {
    let plain = Written::asked().sign();
    let signed = SignedRawBolt11Invoice::from_str(&plain.bolt11).unwrap();
    let (mut raw, ..) = signed.into_parts();
    change(&mut raw);
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let sign = |message: &_| Ok::<_, ()>(Secp256k1::new().sign_ecdsa_recoverable(message, &key));
    Invoice {
        bolt11: raw.sign(sign).unwrap().to_string(),
        ..plain
    }
}

/// Sets the feature bit of AMP as required, as LND does.
fn require_amp(raw: &mut RawBolt11Invoice) {
    const AMP_REQUIRED: usize = 30;

    for field in &mut raw.data.tagged_fields {
        if let RawTaggedField::KnownSemantics(TaggedField::Features(features)) = field {
            features.set_required_feature_bit(AMP_REQUIRED).unwrap();
        }
    }
}

/// Removes the fields of which `is_one` holds.
fn remove(raw: &mut RawBolt11Invoice, is_one: fn(&TaggedField) -> bool) {
    raw.data
        .tagged_fields
        .retain(|field| !matches!(field, RawTaggedField::KnownSemantics(known) if is_one(known)));
}

#[test]
fn takes_an_amp_invoice_whose_features_the_decoder_does_not_know() {
    let invoice = signed_again(require_amp);
    assert_eq!(
        Bolt11Invoice::from_str(&invoice.bolt11)
            .unwrap_err()
            .to_string(),
        Bolt11SemanticError::InvalidFeatures.to_string()
    );
    assert_eq!(invoice.verify(&request(), &expected()), Ok(()));
    let other = Expectation {
        payee: Some(public_key([8; 32])),
        ..expected()
    };
    let got = public_key([7; 32]);
    assert_eq!(invoice.verify(&request(), &other), Err(Lie::Payee { got }));
}

/// Adds a field behind those of the invoice.
fn add(raw: &mut RawBolt11Invoice, field: TaggedField) {
    raw.data.tagged_fields.push(field.into());
}

#[test]
fn refuses_an_invoice_against_the_rules_of_bolt_11() {
    type Breach = fn(&mut RawBolt11Invoice);

    let cases: [(&str, Breach); 8] = [
        ("no payment secret", |raw| {
            remove(raw, |field| matches!(field, TaggedField::PaymentSecret(_)));
        }),
        ("two payment secrets", |raw| {
            add(raw, TaggedField::PaymentSecret(PaymentSecret([3; 32])));
        }),
        ("no payment hash", |raw| {
            remove(raw, |field| matches!(field, TaggedField::PaymentHash(_)));
        }),
        ("two payment hashes", |raw| {
            let other = sha256::Hash::hash(&[2; 32]);
            add(raw, TaggedField::PaymentHash(Sha256(other)));
        }),
        ("no description", |raw| {
            remove(raw, |field| {
                matches!(field, TaggedField::DescriptionHash(_))
            });
        }),
        ("two description hashes", |raw| {
            let other = sha256::Hash::hash(b"other");
            add(raw, TaggedField::DescriptionHash(Sha256(other)));
        }),
        ("a description beside its hash", |raw| {
            let text = Description::new("a coffee".to_owned()).unwrap();
            add(raw, TaggedField::Description(text));
        }),
        ("no features", |raw| {
            remove(raw, |field| matches!(field, TaggedField::Features(_)));
        }),
    ];
    for (rule, against) in cases {
        let invoice = signed_again(against);
        let by_the_library = Bolt11Invoice::from_str(&invoice.bolt11);
        assert!(by_the_library.is_err(), "{rule}");
        let verdict = invoice.verify(&request(), &expected());
        assert_eq!(verdict, Err(Lie::Undecodable), "{rule}");
    }
}

/// The same signature as its holder could also have given it: with `s` above half of the order, and
/// the other recovery id.
fn high_s(signature: &RecoverableSignature) -> RecoverableSignature {
    let (id, compact) = signature.serialize_compact();
    let (r, s) = compact.split_at(32);
    let s = SecretKey::from_slice(s).unwrap().negate();
    let compact = [r, &s.secret_bytes()].concat();
    other_id(&compact, id)
}

fn other_id(compact: &[u8], id: RecoveryId) -> RecoverableSignature {
    let other = RecoveryId::from_i32(id.to_i32() ^ 1).unwrap();
    RecoverableSignature::from_compact(compact, other).unwrap()
}

fn wrong_id(signature: &RecoverableSignature) -> RecoverableSignature {
    let (id, compact) = signature.serialize_compact();
    other_id(&compact, id)
}

/// The invoice asked for, which names the holder of `named` as its payee where there is one, with
/// the signature of its node changed.
fn resigned(
    named: Option<[u8; 32]>,
    change: fn(&RecoverableSignature) -> RecoverableSignature,
) -> Invoice {
    let plain = Written::asked().sign();
    let signed = SignedRawBolt11Invoice::from_str(&plain.bolt11).unwrap();
    let (mut raw, ..) = signed.into_parts();
    let secp = Secp256k1::new();
    if let Some(named) = named {
        let named = SecretKey::from_slice(&named).unwrap().public_key(&secp);
        add(&mut raw, TaggedField::PayeePubKey(PayeePubKey(named)));
    }
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let sign = |message: &Message| {
        let signature = secp.sign_ecdsa_recoverable(message, &key);
        Ok::<_, ()>(change(&signature))
    };
    Invoice {
        bolt11: raw.sign(sign).unwrap().to_string(),
        ..plain
    }
}

/// The verdict where the payee is known, and where it is not.
fn verdicts(invoice: &Invoice) -> [Result<(), Lie>; 2] {
    let unknown = Expectation {
        payee: None,
        ..expected()
    };
    [expected(), unknown].map(|expected| invoice.verify(&request(), &expected))
}

#[test]
fn believes_a_named_payee_whose_signature_holds_whatever_its_recovery_id() {
    for change in [RecoverableSignature::clone, wrong_id] {
        let invoice = resigned(Some([7; 32]), change);
        assert!(Bolt11Invoice::from_str(&invoice.bolt11).is_ok());
        assert_eq!(verdicts(&invoice), [Ok(()), Ok(())]);
    }
}

#[test]
fn refuses_a_named_payee_who_did_not_sign_or_not_in_the_low_form() {
    let liar = resigned(Some([8; 32]), RecoverableSignature::clone);
    let high = resigned(Some([7; 32]), high_s);
    for invoice in [liar, high] {
        assert!(Bolt11Invoice::from_str(&invoice.bolt11).is_err());
        let refused = Err(Lie::Undecodable);
        assert_eq!(verdicts(&invoice), [refused.clone(), refused]);
    }
}

#[test]
fn finds_who_signed_where_no_payee_is_named_in_either_form() {
    let invoice = resigned(None, high_s);
    assert!(Bolt11Invoice::from_str(&invoice.bolt11).is_ok());
    assert_eq!(verdicts(&invoice), [Ok(()), Ok(())]);

    // Another recovery id leads to another key.
    let [known, unknown] = verdicts(&resigned(None, wrong_id));
    assert!(matches!(known, Err(Lie::Payee { .. })), "{known:?}");
    assert_eq!(unknown, Ok(()));
}

#[test]
fn refuses_a_signature_that_leads_to_no_key() {
    // No point of the curve has this x, or one so small beside an order to be added.
    let leads_nowhere = |_: &RecoverableSignature| {
        let id = RecoveryId::from_i32(3).unwrap();
        RecoverableSignature::from_compact(&[0x7f; 64], id).unwrap()
    };
    let invoice = resigned(None, leads_nowhere);
    let refused = Err(Lie::Undecodable);
    assert_eq!(verdicts(&invoice), [refused.clone(), refused]);
}

#[test]
fn refuses_an_amount_finer_than_a_millisatoshi_whatever_the_features() {
    let finer = |raw: &mut RawBolt11Invoice| {
        raw.hrp.raw_amount = Some(210_001);
        raw.hrp.si_prefix = Some(SiPrefix::Pico);
    };
    let amp = signed_again(|raw| {
        require_amp(raw);
        finer(raw);
    });
    for invoice in [signed_again(finer), amp] {
        let verdict = invoice.verify(&request(), &expected());
        assert_eq!(verdict, Err(Lie::Undecodable));
    }
}

#[test]
fn takes_an_invoice_that_names_no_expiry_for_one_of_an_hour() {
    let invoice = signed_again(|raw| {
        remove(raw, |field| matches!(field, TaggedField::ExpiryTime(_)));
    });
    let hour = InvoiceRequest {
        expiry: Duration::from_secs(3_600),
        ..request()
    };
    assert_eq!(invoice.verify(&hour, &expected()), Ok(()));
    assert_eq!(invoice.verify(&request(), &expected()), Err(Lie::Expiry));
}

#[test]
fn tells_the_networks_apart() {
    let networks = [
        (Network::Bitcoin, Currency::Bitcoin),
        (Network::Testnet, Currency::BitcoinTestnet),
        (Network::Signet, Currency::Signet),
        (Network::Regtest, Currency::Regtest),
    ];
    for (of_invoice, currency) in &networks {
        let mut written = Written::asked();
        written.currency = currency.clone();
        let invoice = written.sign();
        for (asked, _) in networks.iter().cloned() {
            let expected = Expectation {
                network: Some(asked),
                ..expected()
            };
            let verdict = if asked == *of_invoice {
                Ok(())
            } else {
                Err(Lie::Network { asked })
            };
            assert_eq!(invoice.verify(&request(), &expected), verdict);
        }
    }
}

#[test]
fn says_of_a_wrong_amount_what_it_is_instead() {
    let asked = Millisatoshi::new(21_000);
    let lie = |got| Lie::Amount { asked, got }.to_string();
    assert_eq!(lie(None), "its amount is missing instead of 21000 msat");
    assert_eq!(
        lie(Some(Millisatoshi::new(1))),
        "its amount is 1 msat instead of 21000 msat"
    );
}
