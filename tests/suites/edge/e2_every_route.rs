//! E2: nothing of an administered service answers without a token, but `/health`. The list of routes is what
//! the service itself says of them.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use switchgear_tests::{Door, Service};

use crate::{
    case::METHODS,
    stage::{Stage, both_ways},
};

/// What no document speaks of.
const UNKNOWN: [&str; 9] = [
    "/",
    "/nothing",
    "/health/",
    "/health/full",
    "/HEALTH",
    "/%68ealth",
    "/health%2F..%2Fdiscovery",
    "/openapi.json/",
    "/discovery/status",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_no_route_is_open_without_a_token() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 0).await?;
        for (service, at_least) in [(Service::Discovery, 3), (Service::Offer, 6)] {
            let door = stage.door(service)?;
            let mut admin = stage.admin(service)?;
            let document = admin.ask("GET", "/openapi.json", None).await?.json()?;
            let routes = routes(&document)?;
            assert!(routes.len() >= at_least, "{routes:?}");
            assert!(routes.contains(&"/health".to_owned()), "{routes:?}");
            let closed = routes.iter().map(String::as_str);
            for path in closed.filter(|path| *path != "/health").chain(UNKNOWN) {
                is_closed(&door, path).await?;
            }
            let health = door.get("/health").await?;
            assert_eq!(health.status, 200);
        }
        stage.end().await?;
    }
    Ok(())
}

/// The document's paths, with something for each parameter.
fn routes(document: &Value) -> anyhow::Result<Vec<String>> {
    let paths = document["paths"].as_object();
    let paths = paths.with_context(|| format!("no paths: {document}"))?;
    Ok(paths
        .keys()
        .map(|path| {
            let segments = path.split('/');
            let filled = segments.map(|segment| match segment.strip_prefix('{') {
                Some(_) => "default",
                None => segment,
            });
            filled.collect::<Vec<_>>().join("/")
        })
        .collect())
}

async fn is_closed(door: &Door, path: &str) -> anyhow::Result<()> {
    let mut wire = door.open().await?;
    for method in METHODS {
        let answer = wire.ask(door.request(method, path, "")).await?;
        let challenge = answer.header("www-authenticate");
        ensure!(
            answer.status == 401 && challenge.starts_with("Bearer "),
            "{method} {path}: {answer:?}"
        );
    }
    Ok(())
}
