//! The whole service over memory, without a socket.

mod bodies;

use std::sync::Arc;

use http::{Request, header};
use serde_json::{Value, json};
use switchgear_stores::memory::MemoryDiscoveryStore;

use super::*;
use crate::{
    body::Body,
    problem::Problem,
    testing::{Answer, request, send},
};

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const BY_URL: &str = "url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v";

fn service() -> DiscoveryService {
    DiscoveryService::new(Arc::new(MemoryDiscoveryStore::new()))
}

fn backend(address: Value) -> Value {
    json!({
        "address": address,
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc", "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false,
        },
    })
}

fn by_key() -> Value {
    backend(json!({"publicKey": KEY}))
}

fn by_url() -> Value {
    backend(json!({"url": "https://LND.example.com"}))
}

async fn call(
    service: &DiscoveryService,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    send(service, request(method, path, body)).await
}

/// Changes a copy of a body.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn creates_lists_and_finds_backends_by_either_address() {
    let service = service();
    let key_path = format!("pk/{KEY}");
    for (body, location) in [(by_url(), BY_URL), (by_key(), key_path.as_str())] {
        let created = call(&service, "POST", "/discovery", Some(&body)).await;
        assert_eq!(
            (created.status, created.header("location")),
            (201, location)
        );
        let again = call(&service, "POST", "/discovery", Some(&body)).await;
        again.problem(409);
        assert_eq!(again.header("location"), location);
    }
    let list = call(&service, "GET", "/discovery", None).await;
    list.assert_uncached();
    let locations: Vec<_> = list
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["location"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(locations, [BY_URL, &key_path]);

    for path in [KEY.to_owned(), KEY.to_uppercase(), key_path.clone()] {
        let got = call(&service, "GET", &format!("/discovery/{path}"), None).await;
        got.assert_uncached();
        assert_eq!(got.json()["address"]["publicKey"], KEY);
        assert_eq!(got.json()["location"], key_path);
    }
    let got = call(&service, "GET", &format!("/discovery/{BY_URL}"), None).await;
    assert_eq!(got.json()["address"]["url"], "https://lnd.example.com/");
}

#[tokio::test]
async fn puts_back_what_get_gave_and_takes_the_key_from_the_path() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    let mut bare = by_key();
    bare.as_object_mut().unwrap().remove("address");
    let created = call(&service, "PUT", &path, Some(&bare)).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), format!("pk/{KEY}"));

    let got = call(&service, "GET", &path, None).await.json();
    assert_eq!(call(&service, "PUT", &path, Some(&got)).await.status, 204);
    let moved = with(got.clone(), "partitions", json!(["eu", "us"]));
    let moved = with(moved, "address", Value::Null);
    assert_eq!(call(&service, "PUT", &path, Some(&moved)).await.status, 204);
    let got = call(&service, "GET", &path, None).await.json();
    assert_eq!(got["partitions"], json!(["eu", "us"]));

    let posted = with(got, "location", json!("elsewhere"));
    assert_eq!(call(&service, "DELETE", &path, None).await.status, 204);
    assert_eq!(
        call(&service, "POST", "/discovery", Some(&posted))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn refuses_a_body_that_contradicts_its_path() {
    let service = service();
    for (path, field, value) in [
        (
            format!("/discovery/{BY_URL}"),
            "address",
            json!({"publicKey": KEY}),
        ),
        (
            format!("/discovery/pk/{KEY}"),
            "address",
            json!({"url": "https://lnd.example.com"}),
        ),
        (format!("/discovery/pk/{KEY}"), "address", json!("x")),
        (format!("/discovery/pk/{KEY}"), "location", json!(BY_URL)),
        (format!("/discovery/pk/{KEY}"), "location", json!(1)),
    ] {
        let body = with(by_key(), field, value);
        let detail = call(&service, "PUT", &path, Some(&body)).await.problem(422);
        assert!(detail.starts_with(&format!("{field}: ")), "{detail}");
    }
    let spelled = with(
        by_url(),
        "address",
        json!({"url": "HTTPS://lnd.EXAMPLE.com:443/"}),
    );
    let path = format!("/discovery/{BY_URL}");
    assert_eq!(
        call(&service, "PUT", &path, Some(&spelled)).await.status,
        201
    );
}

#[tokio::test]
async fn patches_single_fields() {
    let service = service();
    let path = format!("/discovery/{KEY}");
    let change = json!({"weight": 0, "name": "one"});
    call(&service, "PATCH", &path, Some(&change))
        .await
        .problem(404);
    call(&service, "POST", "/discovery", Some(&by_key())).await;
    assert_eq!(
        call(&service, "PATCH", &path, Some(&change)).await.status,
        204
    );
    let got = call(&service, "GET", &path, None).await.json();
    assert_eq!((&got["weight"], &got["name"]), (&json!(0), &json!("one")));

    let clear = json!({"name": null});
    assert_eq!(
        call(&service, "PATCH", &path, Some(&clear)).await.status,
        204
    );
    let got = call(&service, "GET", &path, None).await.json();
    assert_eq!((&got["weight"], got.get("name")), (&json!(0), None));
    for (change, word) in [
        (json!({"wieght": 1}), "wieght"),
        (json!({"address": {"publicKey": KEY}}), "address"),
        (json!({"weight": 65_536}), "weight"),
        (json!({"partitions": []}), "partitions"),
    ] {
        let detail = call(&service, "PATCH", &path, Some(&change))
            .await
            .problem(422);
        assert!(detail.contains(word), "{detail}");
    }
}

/// What is no weight: out of range, no whole number, no number.
fn bad_weights() -> [Value; 10] {
    [
        json!(65_536),
        json!(1_u64 << 31),
        json!(1_u64 << 63),
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("1"),
        json!([1]),
        json!(true),
    ]
}

#[tokio::test]
async fn a3_a_bad_weight_is_refused_by_its_name_and_changes_nothing() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    for weight in bad_weights().into_iter().chain([Value::Null]) {
        let body = with(by_key(), "weight", weight.clone());
        for (method, path) in [("POST", "/discovery"), ("PUT", &path)] {
            let answer = call(&service, method, path, Some(&body)).await;
            let detail = answer.problem(422);
            assert!(detail.contains("weight"), "{method} {weight}: {detail}");
        }
    }
    let list = call(&service, "GET", "/discovery", None).await;
    assert_eq!(list.json(), json!([]), "nothing was created");

    call(&service, "POST", "/discovery", Some(&by_key())).await;
    let before = call(&service, "GET", &path, None).await;
    for weight in bad_weights() {
        // The good field beside it is not taken either.
        let change = json!({"weight": weight, "name": "changed"});
        let put = with(by_key(), "weight", weight.clone());
        for (method, body) in [("PATCH", change), ("PUT", put)] {
            let answer = call(&service, method, &path, Some(&body)).await;
            let detail = answer.problem(422);
            assert!(detail.starts_with("weight: "), "{method} {body}: {detail}");
            let after = call(&service, "GET", &path, None).await;
            assert_eq!(after.json(), before.json(), "{method} {body}");
            assert_eq!(after.header("etag"), before.header("etag"));
        }
    }
    // An optional field may be null, which means absent.
    let change = json!({"weight": null});
    let answer = call(&service, "PATCH", &path, Some(&change)).await;
    assert_eq!(answer.status, 204);
    let after = call(&service, "GET", &path, None).await;
    assert_eq!(after.json(), before.json());
}

#[tokio::test]
async fn a3_every_weight_from_0_to_65535_is_taken_and_0_stays_listed() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    for weight in [0, 1, 65_535] {
        let body = with(by_key(), "weight", json!(weight));
        let change = json!({"weight": weight});
        for (method, path, body, status) in [
            ("POST", "/discovery", &body, 201),
            ("PATCH", path.as_str(), &change, 204),
            ("PUT", &path, &body, 204),
        ] {
            let answer = call(&service, method, path, Some(body)).await;
            assert_eq!(answer.status, status, "{method} {weight}");
            let list = call(&service, "GET", "/discovery", None).await.json();
            assert_eq!(list[0]["weight"], weight, "{method}");
        }
        let deleted = call(&service, "DELETE", &path, None).await;
        assert_eq!(deleted.status, 204);
    }
}

#[tokio::test]
async fn finds_nothing_at_a_malformed_or_unknown_address() {
    let service = service();
    let short = &KEY[..64];
    for path in [
        format!("pk/{KEY}"),
        BY_URL.to_owned(),
        short.to_owned(),
        format!("pk/{short}"),
        "url/####".replace('#', "%23"),
        "url/bm90IGEgdXJs".to_owned(),
        format!("pk%2F{KEY}"),
        format!("px/{KEY}"),
        "%00".to_owned(),
        "%c0%ae/x".to_owned(),
        "..".to_owned(),
    ] {
        for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({})))] {
            let path = format!("/discovery/{path}");
            call(&service, method, &path, body.as_ref())
                .await
                .problem(404);
        }
    }
    let malformed = format!("/discovery/pk/{short}");
    call(&service, "PUT", &malformed, Some(&by_key()))
        .await
        .problem(404);
}

#[tokio::test]
async fn names_the_field_that_does_not_fit() {
    let service = service();
    let implementation = |field: &str, value: Value| {
        let mut body = by_key();
        body["implementation"][field] = value;
        body
    };
    let mut missing = by_key();
    missing.as_object_mut().unwrap().remove("weight");
    for (body, words) in [
        (missing, "weight"),
        (with(by_key(), "weight", json!(-1)), "weight: "),
        (with(by_key(), "weight", json!(1.5)), "weight: "),
        (with(by_key(), "enabled", json!("yes")), "enabled: "),
        (
            with(by_key(), "partitions", json!(["a", "b c"])),
            "partitions[1]: ",
        ),
        (
            with(by_key(), "partitions", json!([])),
            "partitions: must name",
        ),
        (
            with(by_key(), "address", json!({"publicKey": "02"})),
            "address.publicKey: must be",
        ),
        (with(by_key(), "extra", json!(1)), "extra"),
        (
            implementation("url", json!("http://x")),
            "url: must begin with https",
        ),
        (implementation("type", json!("x")), "implementation"),
        (json!([]), "object"),
        (json!(null), "object"),
    ] {
        let detail = call(&service, "POST", "/discovery", Some(&body))
            .await
            .problem(422);
        assert!(detail.contains(words), "{words}: {detail}");
    }
}

#[tokio::test]
async fn answers_304_while_nothing_has_changed() {
    let service = service();
    call(&service, "POST", "/discovery", Some(&by_key())).await;
    let tag = call(&service, "GET", "/discovery", None)
        .await
        .header("etag")
        .to_owned();
    let ask = |known: String| {
        let mut request = request("GET", "/discovery", None);
        let value = known.parse().unwrap();
        request.headers_mut().insert(header::IF_NONE_MATCH, value);
        send(&service, request)
    };
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = ask(known).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0));
        assert_eq!(answer.header("etag"), tag);
        answer.assert_uncached();
    }
    assert_eq!(ask("\"x\"".to_owned()).await.status, 200);

    call(&service, "POST", "/discovery", Some(&by_url())).await;
    let answer = ask(tag.clone()).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("etag"), tag);
}

#[tokio::test]
async fn says_what_is_allowed_and_where_nothing_is() {
    let service = service();
    for (path, method, allow) in [
        ("/health", "POST", "GET, HEAD"),
        ("/discovery", "PUT", "GET, HEAD, POST"),
        ("/discovery", "DELETE", "GET, HEAD, POST"),
        ("/discovery/pk/x", "POST", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/discovery/x", "OPTIONS", "GET, HEAD, PUT, PATCH, DELETE"),
    ] {
        let answer = call(&service, method, path, None).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), allow);
    }
    for path in [
        "/",
        "/discovery/",
        "/discovery/a/b/c",
        "/Discovery",
        "/offers",
        "*",
    ] {
        call(&service, "GET", path, None).await.problem(404);
    }
    assert_eq!(call(&service, "GET", "/health", None).await.status, 200);
    let get = call(&service, "GET", "/discovery", None).await;
    let head = call(&service, "HEAD", "/discovery", None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
}

#[tokio::test]
async fn names_the_field_inside_the_implementation() {
    let service = service();
    for (pointer, value, detail) in [
        (
            "/implementation/ampInvoice",
            json!("yes"),
            "implementation.ampInvoice: invalid type: string \"yes\", expected a boolean",
        ),
        (
            "/implementation/url",
            json!(5),
            "implementation.url: invalid type: integer `5`, expected a string",
        ),
        (
            "/implementation/url",
            json!("http://a.example"),
            "implementation.url: must begin with https://",
        ),
        (
            "/implementation/auth/macaroonPath",
            json!(7),
            "implementation.auth.macaroonPath: invalid type: integer `7`, expected a string",
        ),
        (
            "/partitions/0",
            json!("a b"),
            "partitions[0]: must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'",
        ),
    ] {
        let mut body = by_key();
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = call(&service, "POST", "/discovery", Some(&body)).await;
        assert_eq!(answer.problem(422), detail);
    }
    let mut body = by_key();
    body["implementation"]
        .as_object_mut()
        .unwrap()
        .remove("ampInvoice");
    let answer = call(&service, "POST", "/discovery", Some(&body)).await;
    assert_eq!(
        answer.problem(422),
        "implementation: missing field `ampInvoice`"
    );
}

#[tokio::test]
async fn takes_a_repeated_location_in_any_spelling() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    for location in [KEY.to_owned(), format!("pk/{}", KEY.to_uppercase())] {
        let body = with(by_key(), "location", json!(location));
        let status = call(&service, "PUT", &path, Some(&body)).await.status;
        assert!([201, 204].contains(&status), "{location}: {status}");
    }
}

#[tokio::test]
async fn an_empty_patch_changes_nothing_and_finds_no_backend_that_is_not_there() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    let nothing = json!({});
    call(&service, "PATCH", &path, Some(&nothing))
        .await
        .problem(404);
    call(&service, "POST", "/discovery", Some(&by_key())).await;
    let before = call(&service, "GET", "/discovery", None).await;
    let answer = call(&service, "PATCH", &path, Some(&nothing)).await;
    assert_eq!(answer.status, 204);
    let after = call(&service, "GET", "/discovery", None).await;
    assert_eq!(after.json(), before.json());
}

#[tokio::test]
async fn tells_a_record_that_is_not_there_from_a_path_that_is_none() {
    let service = service();
    for (path, kind) in [
        (format!("/discovery/pk/{KEY}"), Problem::RECORD_NOT_FOUND),
        ("/discovery/pk/x".to_owned(), Problem::RECORD_NOT_FOUND),
        ("/discovery/px/x".to_owned(), Problem::ABOUT_BLANK),
        ("/offers/default".to_owned(), Problem::ABOUT_BLANK),
    ] {
        let answer = call(&service, "GET", &path, None).await;
        answer.problem(404);
        assert_eq!(answer.json()["type"], kind, "{path}");
    }
    let answer = call(&service, "DELETE", &format!("/discovery/{KEY}"), None).await;
    assert_eq!(answer.json()["type"], Problem::RECORD_NOT_FOUND);
}
