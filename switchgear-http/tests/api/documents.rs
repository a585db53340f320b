use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::services::{Answer, Named, bare};

/// The repository's copy of a service's document.
fn file(service: &Named) -> PathBuf {
    let name = format!("../doc/{}-service-openapi.json", service.name);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[tokio::test]
async fn the_documents_of_the_repository_are_those_that_are_served() {
    let blesses = std::env::var("SWITCHGEAR_BLESS").is_ok_and(|bless| bless == "true");
    for service in bare() {
        let served = service.document().await.body;
        let path = file(&service);
        if blesses {
            fs::write(&path, &served).unwrap();
        }
        let kept = fs::read(&path).unwrap_or_default();
        assert!(
            kept == served,
            "{} is not what the {} service serves: SWITCHGEAR_BLESS=true rewrites it",
            path.display(),
            service.name
        );
    }
}

#[tokio::test]
async fn a_document_that_is_known_is_not_sent_again() {
    for service in bare() {
        let path = "/openapi.json";
        let whole = service.document().await;
        let tag = whole.header("etag");
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_uncached(&whole);
        for known in [tag, &format!("\"x\", W/{tag}"), "*"] {
            let headers = [("if-none-match", known)];
            let answer = service.ask_with("GET", path, None, &headers).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0));
            assert_eq!(answer.header("etag"), tag);
            assert_uncached(&answer);
        }
        let headers = [("if-none-match", "\"another\"")];
        let answer = service.ask_with("GET", path, None, &headers).await;
        assert_eq!(answer.status, 200);
        let head = service.ask("HEAD", path, None).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), whole.body.len().to_string());
    }
}

fn assert_uncached(answer: &Answer) {
    let cached = answer.header("cache-control");
    assert_eq!(cached, "no-store, no-cache, must-revalidate");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.header("expires"), "Thu, 01 Jan 1970 00:00:00 GMT");
}

#[tokio::test]
async fn a_document_names_each_operation_once_and_refers_to_what_is_there() {
    for service in bare() {
        let document = service.document().await.json();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let declared = item["parameters"].as_array().map_or(0, Vec::len);
            assert_eq!(declared, path.matches('{').count(), "{path}");
            for operation in item.as_object().unwrap().values() {
                if let Some(id) = operation["operationId"].as_str() {
                    assert!(ids.insert(id.to_owned()), "{id} stands twice");
                }
            }
        }
        assert!(ids.len() > 5, "{ids:?}");
        let mut references = BTreeSet::new();
        collect_references(&document, &mut references);
        for reference in &references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for kind in ["schemas", "responses"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(references.contains(&reference), "{reference} has no use");
            }
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found.insert(reference.to_owned());
            }
            fields
                .values()
                .for_each(|field| collect_references(field, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
