use std::error::Error;

use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::once::Once;
use crate::{
    body::{self, ReadError},
    problem::Problem,
};

/// The longest body of an administrative request: 2 MiB.
const MAX_BODY: usize = 2 * 1_024 * 1_024;

/// Reads a body that is a JSON object.
///
/// 415 for another content type or a coded one, 413 above the limit, 400 for broken JSON, 422 for
/// another value.
pub(crate) async fn object<B>(headers: &HeaderMap, body: B) -> Result<Map<String, Value>, Problem>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    check_type(headers)?;
    let bytes = body::read(body, MAX_BODY).await.map_err(unreadable)?;
    let Once(value) = serde_json::from_slice(&bytes).map_err(unparsable)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(wrong_shape("the body must be a JSON object".to_owned())),
    }
}

/// Reads a model from an object; 422 names the field that does not fit.
pub(crate) fn decode<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let path = error.path().to_string();
        wrong_shape(located(&path, &error.inner().to_string()))
    })
}

/// 422.
pub(super) fn wrong_shape(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY).with_detail(detail)
}

/// Puts the path of the field before the message, whose own name for it is only its type's.
pub(super) fn located(path: &str, message: &str) -> String {
    if path == "." {
        return message.to_owned();
    }
    let reason = message
        .split_once(": ")
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map_or(message, |(_, reason)| reason);
    format!("{path}: {reason}")
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_detail(detail);
    if !is_json(headers) {
        return Err(refuse("the content type must be application/json"));
    }
    let coding = headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(refuse("the body must not be compressed"));
    }
    Ok(())
}

/// Of two content types, neither is believed.
fn is_json(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (fields.next(), fields.next()) else {
        return false;
    };
    let essence = only.to_str().ok().and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// What is JSON but names a field twice has the wrong shape.
fn unparsable(error: serde_json::Error) -> Problem {
    if error.is_data() {
        return wrong_shape(error.to_string());
    }
    let detail = error.to_string();
    // It is JSON, and no type of ours can hold it.
    if detail.starts_with("number out of range") {
        return wrong_shape(detail);
    }
    Problem::new(StatusCode::BAD_REQUEST).with_detail(format!("the body is not JSON: {detail}"))
}

fn unreadable(error: ReadError) -> Problem {
    let status = match error {
        ReadError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ReadError::Broken(_) => StatusCode::BAD_REQUEST,
    };
    Problem::new(status).with_detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_field_once_and_by_its_path() {
        for (path, message, detail) in [
            (
                "longText",
                "text: must not be empty",
                "longText: must not be empty",
            ),
            ("partitions[1]", "partition: must", "partitions[1]: must"),
            ("a.email", "identifier: must be", "a.email: must be"),
            (
                "weight",
                "invalid type: string",
                "weight: invalid type: string",
            ),
            (".", "minSendable: must not", "minSendable: must not"),
            ("a", "missing field `b`", "a: missing field `b`"),
        ] {
            assert_eq!(located(path, message), detail);
        }
    }
}
