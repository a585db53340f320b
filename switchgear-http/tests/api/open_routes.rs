use std::{fs, path::Path};

use serde_json::Value;

use crate::services::{Named, guarded};

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

/// Whoever opens a route changes the list, and whoever reads that change sees what it opens.
#[tokio::test]
async fn the_routes_open_without_a_token_are_those_of_the_reviewed_list() {
    let mut open = String::new();
    for (guarded, bare) in guarded().iter().zip(crate::services::bare()) {
        let document = bare.document().await.json();
        for path in paths(&document) {
            for method in METHODS {
                if is_open(guarded, method, &path, &document).await {
                    open += &format!("{} {method} {path}\n", guarded.name);
                }
            }
        }
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/open-routes.txt");
    let reviewed = fs::read_to_string(&list).unwrap_or_default();
    assert_eq!(open, reviewed, "{} is not what is open", list.display());
}

/// Every path of a document, one that is in none, and those that look like open ones.
fn paths(document: &Value) -> Vec<String> {
    let documented = document["paths"].as_object().unwrap().keys().cloned();
    let near = [
        "/",
        "/nothing/here",
        "/health/",
        "/Health",
        "/%68ealth",
        "//health",
        "*",
    ];
    documented.chain(near.map(str::to_owned)).collect()
}

/// Whether a request without a token comes to an operation.
async fn is_open(service: &Named, method: &str, path: &str, document: &Value) -> bool {
    let filled = path
        .replace("{partition}", "default")
        .replace("{id}", "6a38ebdd-83ef-4b94-b843-3b18cd90a833")
        .replace(['{', '}'], "");
    let answer = service.ask(method, &filled, None).await;
    if answer.status == 401 {
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, "Bearer realm=\"here\"", "{method} {path}");
        return false;
    }
    // Nothing but what a document says may be answered, and its own word is that it needs no token.
    let asked = if method == "HEAD" { "GET" } else { method };
    let operation = &document["paths"][path][asked.to_lowercase()];
    if operation.is_object() {
        let security = operation.get("security").or(document.get("security"));
        let needs_none = security.is_none_or(|security| *security == serde_json::json!([]));
        assert!(
            needs_none,
            "{method} {path} is open, and the document denies it"
        );
        return true;
    }
    let status = answer.status.as_u16();
    // What a browser asks beforehand.
    let is_preflight = (service.name, method, status) == ("lnurl", "OPTIONS", 204);
    assert!(
        is_preflight || matches!(status, 404 | 405),
        "{method} {path}: {status}"
    );
    false
}
