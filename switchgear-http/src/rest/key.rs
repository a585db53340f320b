use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::json::{located, wrong_shape};
use crate::problem::Problem;

/// The field that responses add to a record.
const LOCATION: &str = "location";

/// Puts a part of the key that the path gives into the body, which may repeat it but not contradict.
pub(crate) fn settle_key<K>(
    object: &mut Map<String, Value>,
    field: &'static str,
    key: &K,
) -> Result<(), Problem>
where
    K: Serialize + DeserializeOwned + PartialEq,
{
    if let Some(repeated) = given(object, field) {
        let repeated: K = serde_json::from_value(repeated)
            .map_err(|error| wrong_shape(located(field, &error.to_string())))?;
        if repeated != *key {
            return Err(contradiction(field));
        }
    }
    let value = serde_json::to_value(key).expect("a key is JSON");
    object.insert(field.to_owned(), value);
    Ok(())
}

/// Takes the location from a body, which may repeat it in any spelling but not contradict.
pub(crate) fn settle_location(
    object: &mut Map<String, Value>,
    agrees: impl FnOnce(&str) -> bool,
) -> Result<(), Problem> {
    match given(object, LOCATION) {
        Some(repeated) if !repeated.as_str().is_some_and(agrees) => Err(contradiction(LOCATION)),
        _ => Ok(()),
    }
}

/// Takes the location from a body that creates a record, whatever it says.
pub(crate) fn ignore_location(object: &mut Map<String, Value>) {
    object.remove(LOCATION);
}

/// Takes a field out; `null` means absent.
fn given(object: &mut Map<String, Value>, field: &str) -> Option<Value> {
    object.remove(field).filter(|value| !value.is_null())
}

fn contradiction(field: &str) -> Problem {
    wrong_shape(format!("{field}: must agree with the path"))
}
