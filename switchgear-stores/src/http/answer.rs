use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use switchgear_core::store::{StoreError, StoreErrorKind, Written};

/// The content type of an error that says what it is (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// The type of the one 404 that tells of a record: these services answer others to a path that they do
/// not have.
const RECORD_NOT_FOUND: &str = "urn:switchgear:problem:record-not-found";

/// The locations of the records that a list lacks.
const LEFT_OUT: &str = "switchgear-left-out";

/// How much of a record's own location an error repeats, in letters.
const LONGEST_LOCATION: usize = 200;

/// A remote service's answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What an error says of itself (RFC 9457).
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    pub(super) fn is_not_modified(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    pub(super) fn etag(&self) -> Option<&str> {
        self.headers.get(header::ETAG)?.to_str().ok()
    }

    /// A GET of one record.
    pub(super) fn record<T: DeserializeOwned>(self) -> Result<Option<T>, StoreError> {
        match self.status {
            StatusCode::OK => record(self.value()?).map(Some),
            _ if self.tells_of_no_record() => Ok(None),
            _ => Err(self.failure_of_a_read()),
        }
    }

    /// A GET of a list.
    pub(super) fn records<T: DeserializeOwned>(self) -> Result<Vec<T>, StoreError> {
        match self.status {
            StatusCode::OK => {
                let values: Vec<Value> = self.value()?;
                values.into_iter().map(record).collect()
            }
            _ => Err(self.failure()),
        }
    }

    /// A GET of all records, each with its location: those that cannot be read here, and those that the
    /// service itself cannot read, are errors.
    pub(super) fn each_record<T: DeserializeOwned>(
        self,
    ) -> Result<impl Iterator<Item = (String, Result<T, StoreError>)>, StoreError> {
        match self.status {
            StatusCode::OK => {
                let values: Vec<Value> = self.value()?;
                let left_out = self.left_out();
                Ok(values.into_iter().map(located).chain(left_out))
            }
            _ => Err(self.failure_of_a_read()),
        }
    }

    /// The records that the service cannot read itself.
    fn left_out<T>(&self) -> Vec<(String, Result<T, StoreError>)> {
        let named = self.headers.get_all(LEFT_OUT).iter();
        let named = named.filter_map(|names| names.to_str().ok());
        let locations = named.flat_map(|names| names.split(',')).map(str::trim);
        let unread = |location: &str| {
            let location = shortened(location);
            let message = format!("the remote service cannot read its record {location}");
            let error = StoreError::new(StoreErrorKind::Remote, message);
            (location, Err(error))
        };
        locations
            .filter(|name| !name.is_empty())
            .map(unread)
            .collect()
    }

    /// A POST.
    pub(super) fn created(self, exists: impl FnOnce() -> StoreError) -> Result<(), StoreError> {
        match self.status {
            StatusCode::CREATED => Ok(()),
            StatusCode::CONFLICT => Err(exists()),
            _ => Err(self.failure()),
        }
    }

    /// A PUT.
    pub(super) fn written(self) -> Result<Written, StoreError> {
        match self.status {
            StatusCode::CREATED => Ok(Written::Created),
            StatusCode::NO_CONTENT | StatusCode::OK => Ok(Written::Updated),
            _ => Err(self.failure()),
        }
    }

    /// A PATCH or a DELETE.
    pub(super) fn changed(self, not_found: impl FnOnce() -> StoreError) -> Result<(), StoreError> {
        match self.status {
            StatusCode::NO_CONTENT | StatusCode::OK => Ok(()),
            _ if self.tells_of_no_record() => Err(not_found()),
            _ => Err(self.failure()),
        }
    }

    /// Whether the service knows that there is no such record. An ingress, another service, or whatever
    /// else a wrong base URL leads to, answers 404 as well, and knows nothing of records.
    fn tells_of_no_record(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
            && self.is_a_problem()
            && self.problem().kind.as_deref() == Some(RECORD_NOT_FOUND)
    }

    fn is_a_problem(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(PROBLEM))
    }

    fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn value<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.body).map_err(|error| unreadable("", error))
    }

    /// As [`Self::failure`], of a request by a key that is legal and with nothing else to be wrong
    /// in it: whatever the remote service has against it is no fault of the caller.
    fn failure_of_a_read(&self) -> StoreError {
        let failure = self.failure();
        match failure.kind() {
            StoreErrorKind::Remote => failure,
            _ => {
                let status = self.status;
                let message = format!("the remote service refused to read ({status}): {failure}");
                StoreError::new(StoreErrorKind::Remote, message)
            }
        }
    }

    /// What a status means that the request had no place for.
    fn failure(&self) -> StoreError {
        let status = self.status;
        let problem = self.problem();
        let remote = |message: String| StoreError::new(StoreErrorKind::Remote, message);
        match status {
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => {
                StoreError::new(StoreErrorKind::Invalid, problem.or(status))
            }
            StatusCode::CONFLICT => StoreError::new(StoreErrorKind::Conflict, problem.or(status)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => remote(format!(
                "the remote service refused the token ({status}): it may have expired, or be meant \
                 for another service or key"
            )),
            StatusCode::NOT_FOUND => remote(format!(
                "the remote service does not know this path ({status}): check the base URL, and that \
                 its versions and this one's belong together"
            )),
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => remote(format!(
                "the remote service did not answer in time ({status})"
            )),
            _ if status.is_redirection() => remote(format!(
                "the remote service redirects ({status}), which is not followed: correct the base URL"
            )),
            _ => remote(format!(
                "the remote service failed ({status}): {}",
                problem.or(status)
            )),
        }
    }
}

impl Problem {
    fn or(&self, status: StatusCode) -> String {
        match (&self.title, &self.detail) {
            (Some(title), Some(detail)) => format!("{title}: {detail}"),
            (Some(words), None) | (None, Some(words)) => words.clone(),
            (None, None) => status.to_string(),
        }
    }
}

fn record<T: DeserializeOwned>(value: Value) -> Result<T, StoreError> {
    located(value).1
}

/// Responses carry the record's `location` beside its fields; requests and records do not.
fn located<T: DeserializeOwned>(mut value: Value) -> (String, Result<T, StoreError>) {
    let location = match &mut value {
        Value::Object(fields) => fields.remove("location"),
        _ => None,
    };
    let location = match location {
        Some(Value::String(location)) => shortened(&location),
        _ => String::new(),
    };
    let record = serde_json::from_value(value).map_err(|error| match location.as_str() {
        "" => unreadable("", error),
        location => unreadable(&format!(": {location}"), error),
    });
    (location, record)
}

fn unreadable(which: &str, error: serde_json::Error) -> StoreError {
    let message = format!("the remote service sent a record that cannot be read{which}");
    StoreError::new(StoreErrorKind::Remote, message).with_source(error)
}

fn shortened(location: &str) -> String {
    let start: String = location.chars().take(LONGEST_LOCATION).collect();
    start.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str) -> StoreError {
        let status = StatusCode::from_u16(status).unwrap();
        Answer::new(status, HeaderMap::new(), Bytes::from(body.to_owned())).failure()
    }

    #[test]
    fn a_record_that_cannot_be_read_is_never_the_callers_fault() {
        for status in [400, 401, 403, 404, 409, 413, 422, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer::new(status, HeaderMap::new(), Bytes::new());
            let error = answer.record::<Value>().unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Remote, "{error}");
            let words = error.to_string();
            assert!(words.contains(status.as_str()), "{words}");

            let answer = Answer::new(status, HeaderMap::new(), Bytes::new());
            let error = answer.each_record::<Value>().err().unwrap();
            assert_eq!(error.kind(), StoreErrorKind::Remote, "{error}");
            let words = error.to_string();
            assert!(words.contains(status.as_str()), "{words}");
        }
    }

    #[test]
    fn only_a_service_of_this_kind_knows_that_there_is_no_record() {
        const NONE: &str = r#"{"type":"urn:switchgear:problem:record-not-found","status":404}"#;
        const PROBLEM: &str = "application/problem+json";
        let answer = |content_type: &str, body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            Answer::new(StatusCode::NOT_FOUND, headers, Bytes::from(body))
        };
        let missing = || StoreError::new(StoreErrorKind::NotFound, "no such record");
        for content_type in [PROBLEM, "Application/Problem+JSON ; charset=utf-8"] {
            let told = answer(content_type, NONE);
            assert_eq!(told.record::<Value>().unwrap(), None);
            let error = answer(content_type, NONE).changed(missing).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::NotFound, "{content_type}");
        }
        for (content_type, body) in [
            ("text/html", "<html>"),
            ("application/json", NONE),
            ("application/problem+jsonp", NONE),
            // Another service, or another path of the same one.
            (PROBLEM, r#"{"type":"about:blank","status":404}"#),
            (PROBLEM, r#"{"status":404}"#),
            (PROBLEM, ""),
        ] {
            let read = answer(content_type, body).record::<Value>().unwrap_err();
            let changed = answer(content_type, body).changed(missing).unwrap_err();
            for error in [read, changed] {
                assert_eq!(
                    error.kind(),
                    StoreErrorKind::Remote,
                    "{content_type} {body}"
                );
                assert!(error.to_string().contains("check the base URL"), "{error}");
            }
        }
    }

    #[test]
    fn tells_the_callers_fault_from_the_remote_services() {
        let problem = r#"{"title":"Invalid input","detail":"weight: must be at most 65535"}"#;
        for status in [400, 413, 422] {
            let error = failure(status, problem);
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{status}");
            assert_eq!(
                error.to_string(),
                "Invalid input: weight: must be at most 65535"
            );
        }
        for (status, kind, part) in [
            (401, StoreErrorKind::Remote, "refused the token"),
            (403, StoreErrorKind::Remote, "refused the token"),
            (404, StoreErrorKind::Remote, "check the base URL"),
            (308, StoreErrorKind::Remote, "redirects"),
            (408, StoreErrorKind::Remote, "did not answer in time"),
            (504, StoreErrorKind::Remote, "did not answer in time"),
            (429, StoreErrorKind::Remote, "429 Too Many Requests"),
            (500, StoreErrorKind::Remote, "500 Internal Server Error"),
        ] {
            let error = failure(status, "<html>");
            assert_eq!(error.kind(), kind, "{status}");
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(failure(400, "<html>").to_string(), "400 Bad Request");
        assert_eq!(failure(422, r#"{"detail":"why"}"#).to_string(), "why");
    }
}
