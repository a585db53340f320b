//! LUD-06: payRequest. <https://github.com/lnurl/luds/blob/luds/06.md>

use serde::Serialize;

use super::{CommentLimit, PayMetadata};
use crate::{
    Millisatoshi,
    invalid::InvalidValue,
    offer::{PayableOffer, SendableRange},
};

/// The first answer of LUD-06: what may be paid, and where an invoice is had.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PayRequest<'a> {
    /// Where the wallet asks for an invoice.
    callback: &'a str,
    max_sendable: Millisatoshi,
    min_sendable: Millisatoshi,
    tag: &'static str,
    metadata: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_allowed: Option<u32>,
}

impl<'a> PayRequest<'a> {
    /// Describes `offer`, whose invoices are had at `callback`.
    pub fn new(offer: &'a PayableOffer, callback: &'a str, comments: Option<CommentLimit>) -> Self {
        Self {
            callback,
            max_sendable: offer.sendable.max(),
            min_sendable: offer.sendable.min(),
            tag: "payRequest",
            metadata: PayMetadata::as_str(&offer.metadata),
            comment_allowed: comments.map(CommentLimit::characters),
        }
    }
}

/// The second answer of LUD-06: the invoice.
#[derive(Debug, Clone, Serialize)]
pub struct PayInvoice<'a> {
    /// The BOLT11 invoice.
    pr: &'a str,
    /// Always empty; the field is required.
    routes: [(); 0],
}

impl<'a> PayInvoice<'a> {
    /// Answers with `bolt11`.
    pub fn new(bolt11: &'a str) -> Self {
        Self {
            pr: bolt11,
            routes: [],
        }
    }
}

/// Reads the `amount` of an invoice request: a plain decimal integer of msat within `range`.
///
/// # Errors
/// When it is anything else: a sign, a fraction, an exponent, white space, other digits.
///
/// ```
/// use switchgear_core::{Millisatoshi, lnurl::parse_amount, offer::SendableRange};
///
/// let range = SendableRange::try_new(Millisatoshi::new(10), Millisatoshi::new(20)).unwrap();
/// assert_eq!(parse_amount("10", range), Ok(Millisatoshi::new(10)));
/// assert!(parse_amount("21", range).is_err());
/// assert!(parse_amount("+10", range).is_err());
/// ```
pub fn parse_amount(text: &str, range: SendableRange) -> Result<Millisatoshi, InvalidValue> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = plain
        .then(|| text.parse().ok())
        .flatten()
        .map(Millisatoshi::new)
        .ok_or_else(|| InvalidValue::new("amount", "must be a whole number of millisatoshi"))?;
    if !range.contains(amount) {
        return Err(InvalidValue::new(
            "amount",
            format!(
                "must be between {} and {} millisatoshi",
                range.min().msat(),
                range.max().msat()
            ),
        ));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{Partition, offer::Validity};

    fn range() -> SendableRange {
        SendableRange::try_new(Millisatoshi::new(1_000), SendableRange::LARGEST).unwrap()
    }

    #[test]
    fn refuses_everything_but_a_plain_decimal_integer() {
        for text in [
            "",
            " ",
            "+1000",
            "-1000",
            "1e3",
            "1000.0",
            "1_000",
            "1,000",
            "0x3e8",
            " 1000",
            "1000 ",
            "１０００",
            "١٠٠٠",
            "NaN",
            "inf",
            "18446744073709551616",
            "1000\0",
            "1000msat",
        ] {
            let error = parse_amount(text, range()).unwrap_err();
            assert_eq!(
                error.reason(),
                "must be a whole number of millisatoshi",
                "{text:?}"
            );
        }
    }

    #[test]
    fn keeps_the_bounds_exactly() {
        assert!(parse_amount("999", range()).is_err());
        assert_eq!(parse_amount("1000", range()), Ok(Millisatoshi::new(1_000)));
        assert_eq!(
            parse_amount("9223372036854775807", range()),
            Ok(SendableRange::LARGEST)
        );
        assert!(parse_amount("9223372036854775808", range()).is_err());
    }

    #[test]
    fn describes_an_offer_in_the_fields_of_the_document() {
        let offer = PayableOffer {
            partition: Partition::try_new("default").unwrap(),
            id: Uuid::nil(),
            sendable: SendableRange::try_new(Millisatoshi::new(1), Millisatoshi::new(2)).unwrap(),
            validity: Validity::new(chrono::DateTime::UNIX_EPOCH, None),
            metadata: PayMetadata::from_served(r#"[["text/plain","x"]]"#),
        };
        let callback = "https://lnurl.example.com/callback";
        let silent = PayRequest::new(&offer, callback, None);
        let mut expected = json!({
            "callback": callback,
            "maxSendable": 2,
            "minSendable": 1,
            "tag": "payRequest",
            "metadata": r#"[["text/plain","x"]]"#,
        });
        assert_eq!(serde_json::to_value(&silent).unwrap(), expected);

        let talking = PayRequest::new(&offer, callback, CommentLimit::new(280));
        expected["commentAllowed"] = 280.into();
        assert_eq!(serde_json::to_value(&talking).unwrap(), expected);
    }

    #[test]
    fn answers_with_the_invoice_and_the_routes_that_wallets_require() {
        let answer = serde_json::to_value(PayInvoice::new("lnbc1")).unwrap();
        assert_eq!(answer, json!({"pr": "lnbc1", "routes": []}));
    }
}
