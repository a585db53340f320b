use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// A JSON value in which no object names a field twice, and a whole number is an integer however it is
/// written.
///
/// Parsers differ in which of the two they take (RFC 8259, 4), so that somebody before this service
/// may have checked the other one.
pub(super) struct Once(pub(super) Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(whole(value)
            .or_else(|| Number::from_f64(value))
            .map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            let Once(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// A whole number in the spelling of another one: `1.0` and `1e3` are integers to a JSON Schema.
///
/// From 2^49 on a fraction may have been lost on the way, and a tenth is seen below.
fn whole(value: f64) -> Option<Number> {
    const EXACT: f64 = 562_949_953_421_312.0;
    let is_exact = value.fract() == 0.0 && value.abs() < EXACT;
    // A float without a fraction is written as an integer; a negative zero is zero.
    is_exact
        .then(|| format!("{}", value + 0.0).parse::<i64>().ok())
        .flatten()
        .map(Number::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,1e30,"x"],"b":{"a":{}},"":[]}"#;
        let Once(value) = serde_json::from_str(text).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn takes_a_whole_number_in_any_spelling_for_an_integer() {
        for (text, number) in [
            ("1.0", 1),
            ("1e3", 1_000),
            ("-0", 0),
            ("-0.0", 0),
            ("-2.50e1", -25),
            ("562949953421311.0", 562_949_953_421_311_i64),
        ] {
            let Once(value) = serde_json::from_str(text).unwrap();
            assert_eq!(value, Value::from(number), "{text}");
        }
        for text in [
            "1.5",
            "1e-1",
            "562949953421311.1",
            "562949953421312.0",
            "4503599627370497.5",
            "1e300",
        ] {
            let Once(value) = serde_json::from_str(text).unwrap();
            assert!(value.is_f64(), "{text}: {value}");
        }
    }

    #[test]
    fn refuses_a_field_that_is_named_twice_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"a":1,"b":2,"a":3}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            let error = serde_json::from_str::<Once>(text).map(|once| once.0);
            let error = error.unwrap_err();
            assert!(error.is_data(), "{error}");
            let message = error.to_string();
            assert!(message.starts_with("duplicate field `a`"), "{message}");
        }
    }
}
