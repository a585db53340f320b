use std::sync::Arc;

use serde_json::{Value, json};
use switchgear_stores::memory::MemoryOfferStore;

use super::*;
use crate::{
    problem::Problem,
    testing::{Answer, request, send},
};

const OFFER: &str = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";
const METADATA: &str = "88deff7e-ca45-4144-8fca-286a5a18fb1a";

fn service() -> OfferService {
    let store = Arc::new(MemoryOfferStore::new());
    let config = OfferConfig { max_page_size: 3 };
    OfferService::new(Arc::clone(&store) as _, store, config)
}

async fn call(service: &OfferService, method: &str, path: &str, body: Option<&Value>) -> Answer {
    send(service, request(method, path, body)).await
}

fn offer(id: &str) -> Value {
    json!({
        "partition": "default", "id": id, "maxSendable": 9_000, "minSendable": 1_000,
        "metadataId": METADATA, "timestamp": "2024-01-01T00:00:00.123456Z",
    })
}

fn metadata(id: &str) -> Value {
    json!({"partition": "default", "id": id, "text": "a text"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// A service with one metadata record.
async fn prepared() -> OfferService {
    let service = service();
    let created = call(&service, "POST", "/metadata", Some(&metadata(METADATA))).await;
    assert_eq!(created.status, 201);
    service
}

#[tokio::test]
async fn keeps_both_kinds_of_records_through_their_life() {
    let service = prepared().await;
    let unused = "98deff7e-ca45-4144-8fca-286a5a18fb1a";
    for (kind, id, body) in [
        ("offers", OFFER, offer(OFFER)),
        ("metadata", unused, metadata(unused)),
    ] {
        let location = format!("default/{id}");
        let path = format!("/{kind}/{location}");
        call(&service, "GET", &path, None).await.problem(404);
        call(&service, "DELETE", &path, None).await.problem(404);

        let posted = with(body.clone(), "location", json!("anything"));
        let created = call(&service, "POST", &format!("/{kind}"), Some(&posted)).await;
        assert_eq!(
            (created.status, created.header("location")),
            (201, location.as_str())
        );
        let again = call(&service, "POST", &format!("/{kind}"), Some(&body)).await;
        again.problem(409);
        assert_eq!(again.header("location"), location);

        let got = call(&service, "GET", &path, None).await;
        got.assert_uncached();
        assert_eq!(got.json(), with(body, "location", json!(location)));
        assert_eq!(
            call(&service, "PUT", &path, Some(&got.json())).await.status,
            204
        );
        assert_eq!(call(&service, "DELETE", &path, None).await.status, 204);

        let mut bare = got.json();
        let fields = bare.as_object_mut().unwrap();
        for field in ["id", "partition", "location"] {
            fields.remove(field);
        }
        let created = call(&service, "PUT", &path, Some(&bare)).await;
        assert_eq!(
            (created.status, created.header("location")),
            (201, location.as_str())
        );
        assert_eq!(call(&service, "GET", &path, None).await.json(), got.json());
    }
}

#[tokio::test]
async fn refuses_offers_without_metadata_and_metadata_that_is_in_use() {
    let service = prepared().await;
    let unknown = with(offer(OFFER), "metadataId", json!(OFFER));
    call(&service, "POST", "/offers", Some(&unknown))
        .await
        .problem(400);
    let path = format!("/offers/default/{OFFER}");
    call(&service, "PUT", &path, Some(&unknown))
        .await
        .problem(400);
    let elsewhere = with(offer(OFFER), "partition", json!("eu"));
    call(&service, "POST", "/offers", Some(&elsewhere))
        .await
        .problem(400);

    call(&service, "POST", "/offers", Some(&offer(OFFER))).await;
    let metadata = format!("/metadata/default/{METADATA}");
    call(&service, "DELETE", &metadata, None).await.problem(400);
    assert_eq!(call(&service, "DELETE", &path, None).await.status, 204);
    assert_eq!(call(&service, "DELETE", &metadata, None).await.status, 204);
}

#[tokio::test]
async fn lists_pages_in_the_order_of_creation() {
    let service = prepared().await;
    let ids: Vec<_> = (0..5)
        .map(|n| format!("{}a38ebdd-83ef-4b94-b843-3b18cd90a833", 9 - n))
        .collect();
    for id in &ids {
        call(&service, "POST", "/offers", Some(&offer(id))).await;
    }
    for (query, expected) in [
        (String::new(), &ids[..3]),
        ("?start=3".to_owned(), &ids[3..]),
        ("?start=1&count=2".to_owned(), &ids[1..3]),
        ("?start=9".to_owned(), &[]),
        ("?count=0".to_owned(), &[]),
        (format!("?after={}", ids[0]), &ids[1..4]),
        (format!("?after={}&count=1", ids[3]), &ids[4..]),
        (format!("?after={}", ids[4]), &[]),
    ] {
        let page = call(&service, "GET", &format!("/offers/default{query}"), None).await;
        page.assert_uncached();
        let page = page.json();
        let listed: Vec<_> = page
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect();
        assert_eq!(listed, expected, "{query}");
    }
    assert_eq!(
        call(&service, "GET", "/offers/eu", None).await.json(),
        json!([])
    );
    for query in [
        "count=4",
        "count=x",
        "start=-1",
        "after=x",
        "after=00000000-0000-0000-0000-000000000000",
        "start=0&after=6a38ebdd-83ef-4b94-b843-3b18cd90a833",
    ] {
        let path = format!("/offers/default?{query}");
        call(&service, "GET", &path, None).await.problem(400);
    }
}

#[tokio::test]
async fn names_the_field_that_does_not_fit() {
    let service = prepared().await;
    for (field, value, words) in [
        ("minSendable", json!(0), "minSendable: must be at least"),
        (
            "minSendable",
            json!(9_001),
            "minSendable: must not be above",
        ),
        ("maxSendable", json!(1_u64 << 63), "maxSendable: "),
        ("maxSendable", json!("1"), "maxSendable: "),
        ("id", json!("x"), "id: "),
        ("partition", json!("a b"), "partition: must be 1 to 64"),
        ("timestamp", json!("today"), "timestamp: "),
        ("extra", json!(1), "extra"),
    ] {
        let body = with(offer(OFFER), field, value);
        let detail = call(&service, "POST", "/offers", Some(&body))
            .await
            .problem(422);
        assert!(detail.contains(words), "{words}: {detail}");
    }
    let path = format!("/offers/default/{OFFER}");
    for (field, value) in [
        ("id", json!(METADATA)),
        ("partition", json!("eu")),
        ("location", json!("eu/x")),
    ] {
        let body = with(offer(OFFER), field, value);
        let detail = call(&service, "PUT", &path, Some(&body)).await.problem(422);
        assert_eq!(detail, format!("{field}: must agree with the path"));
    }
    for (field, value) in [
        ("text", json!("")),
        ("longText", json!("a\u{0}")),
        ("image", json!({"png": "AAAA"})),
        ("identifier", json!({"email": "nobody"})),
    ] {
        let body = with(metadata(OFFER), field, value);
        let detail = call(&service, "POST", "/metadata", Some(&body))
            .await
            .problem(422);
        assert!(detail.starts_with(field), "{field}: {detail}");
    }
    let nulls = with(
        with(metadata(OFFER), "image", Value::Null),
        "longText",
        Value::Null,
    );
    assert_eq!(
        call(&service, "POST", "/metadata", Some(&nulls))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn says_what_is_allowed_and_where_nothing_is() {
    let service = service();
    let record = format!("/metadata/default/{OFFER}");
    for (path, method, allow) in [
        ("/health", "POST", "GET, HEAD"),
        ("/offers", "GET", "POST"),
        ("/offers/default", "POST", "GET, HEAD"),
        (record.as_str(), "PATCH", "GET, HEAD, PUT, DELETE"),
    ] {
        let answer = call(&service, method, path, None).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), allow);
    }
    for path in [
        "/",
        "/offers/",
        "/offers/default/x",
        "/offers/default/6a38ebdd83ef4b94b8433b18cd90a833",
        "/offers/a%20b",
        "/offers/%00/6a38ebdd-83ef-4b94-b843-3b18cd90a833",
        "/discovery",
    ] {
        call(&service, "GET", path, None).await.problem(404);
    }
    assert_eq!(call(&service, "GET", "/health", None).await.status, 200);
}

#[tokio::test]
async fn takes_a_repeated_location_in_any_spelling_and_no_other() {
    let service = prepared().await;
    let path = format!("/offers/default/{OFFER}");
    for (location, status) in [
        (format!("default/{}", OFFER.to_uppercase()), 201),
        (format!("other/{OFFER}"), 422),
        (OFFER.to_owned(), 422),
    ] {
        let body = with(offer(OFFER), "location", json!(location));
        let answer = call(&service, "PUT", &path, Some(&body)).await;
        assert_eq!(answer.status, status, "{location}");
    }
}

#[tokio::test]
async fn refuses_amounts_that_are_no_whole_numbers() {
    let service = prepared().await;
    for amount in [json!(9_000.5), json!(1e30), json!("9000"), json!(null)] {
        let body = with(offer(OFFER), "maxSendable", amount.clone());
        let answer = call(&service, "POST", "/offers", Some(&body)).await;
        let detail = answer.problem(422);
        assert!(detail.starts_with("maxSendable: "), "{amount}: {detail}");
    }
}

#[tokio::test]
async fn takes_each_parameter_of_a_page_once_and_nothing_for_none() {
    let service = prepared().await;
    for (query, parameter) in [
        ("count=1&count=1", "count"),
        ("start=0&start=1", "start"),
        ("start=0&st%61rt=1", "start"),
        ("after=x&after=y", "after"),
    ] {
        let path = format!("/metadata/default?{query}");
        let detail = call(&service, "GET", &path, None).await.problem(400);
        assert_eq!(detail, format!("{parameter}: must be given once"));
    }
    for query in ["", "count=0", "start=1", "other=1&other=2"] {
        let path = format!("/metadata/default?{query}");
        let answer = call(&service, "GET", &path, None).await;
        let expected = if query.contains("other") || query.is_empty() {
            1
        } else {
            0
        };
        assert_eq!(answer.json().as_array().unwrap().len(), expected, "{query}");
    }
}

#[tokio::test]
async fn tells_a_record_that_is_not_there_from_a_path_that_is_none() {
    let service = service();
    for (path, kind) in [
        (
            format!("/offers/default/{OFFER}"),
            Problem::RECORD_NOT_FOUND,
        ),
        ("/metadata/default/x".to_owned(), Problem::RECORD_NOT_FOUND),
        ("/offers/a%20b".to_owned(), Problem::ABOUT_BLANK),
        ("/discovery".to_owned(), Problem::ABOUT_BLANK),
    ] {
        let answer = call(&service, "GET", &path, None).await;
        answer.problem(404);
        assert_eq!(answer.json()["type"], kind, "{path}");
    }
    let path = format!("/metadata/default/{METADATA}");
    let answer = call(&service, "DELETE", &path, None).await;
    assert_eq!(answer.json()["type"], Problem::RECORD_NOT_FOUND);
}
