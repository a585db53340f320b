use serde_json::Value;

use crate::services::{Named, bare};

/// The example of a request body.
fn example<'a>(document: &'a Value, path: &str, method: &str) -> &'a Value {
    let body = &document["paths"][path][method]["requestBody"];
    let example = &body["content"]["application/json"]["example"];
    assert!(example.is_object(), "{method} {path} has no example");
    example
}

/// A path with the examples of its parameters in it.
fn filled(document: &Value, path: &str) -> String {
    let parameters = document["paths"][path]["parameters"].as_array();
    let mut filled = path.to_owned();
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = parameter["example"].as_str().unwrap();
        filled = filled.replace(&format!("{{{name}}}"), example);
    }
    filled
}

async fn walk(service: &Named, steps: &[(&str, &str, u16)]) {
    let document = service.document().await.json();
    for (method, path, status) in steps {
        let body = match *method {
            "GET" | "DELETE" => None,
            _ => Some(example(&document, path, &method.to_lowercase())),
        };
        let answer = service.ask(method, &filled(&document, path), body).await;
        assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
        let documented = &document["paths"][path][method.to_lowercase()]["responses"];
        assert!(
            documented[status.to_string()].is_object(),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_examples_of_backends_work() {
    let [_, discovery, _] = bare();
    let mut steps = vec![("POST", "/discovery", 201), ("POST", "/discovery", 409)];
    for (path, put) in [
        ("/discovery/url/{url}", 204),
        ("/discovery/pk/{publicKey}", 201),
        ("/discovery/{publicKey}", 204),
    ] {
        steps.extend([("PUT", path, put), ("PATCH", path, 204), ("GET", path, 200)]);
    }
    for path in ["/discovery/url/{url}", "/discovery/{publicKey}"] {
        steps.extend([("DELETE", path, 204), ("DELETE", path, 404)]);
    }
    walk(&discovery, &steps).await;
}

#[tokio::test]
async fn the_examples_of_offers_work_and_can_be_looked_at() {
    let [lnurl, _, offer] = bare();
    let (record, metadata) = ("/offers/{partition}/{id}", "/metadata/{partition}/{id}");
    walk(
        &offer,
        &[
            ("POST", "/offers", 400),
            ("POST", "/metadata", 201),
            ("PUT", metadata, 204),
            ("POST", "/offers", 201),
            ("POST", "/offers", 409),
            ("PUT", record, 204),
            ("GET", "/offers/{partition}", 200),
            ("GET", record, 200),
            ("DELETE", metadata, 400),
        ],
    )
    .await;
    walk(
        &lnurl,
        &[
            ("GET", record, 200),
            ("GET", "/offers/{partition}/{id}/bech32", 200),
            ("GET", "/offers/{partition}/{id}/bech32/qr", 200),
        ],
    )
    .await;
    walk(
        &offer,
        &[
            ("DELETE", record, 204),
            ("DELETE", metadata, 204),
            ("GET", metadata, 404),
        ],
    )
    .await;
}
