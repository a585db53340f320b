use super::*;

#[tokio::test]
async fn finds_no_offer_that_is_unknown_foreign_or_out_of_its_time() {
    let bench = Bench::standard();
    let upper = ID.to_uppercase();
    assert_eq!(bench.get(&path(&upper, "")).await.status, 200);
    for path in [
        path(PAST, ""),
        path(FUTURE, "/bech32"),
        path(&Uuid::nil().to_string(), "/invoice?amount=1000"),
        path("not-an-id", ""),
        path(&ID.replace('-', ""), ""),
        format!("/offers/default/{{{ID}}}").replace(['{', '}'], "%7B"),
        format!("/offers/us/{ID}"),
        format!("/offers/DEFAULT/{ID}"),
    ] {
        let reason = bench.get(&path).await.reason(404);
        assert_eq!(reason, "there is no such offer", "{path}");
    }
    assert_eq!(bench.calls(), 0);
}

#[tokio::test]
async fn answers_hostile_paths_with_404() {
    let bench = Bench::standard();
    for path in [
        "/".to_owned(),
        "//".to_owned(),
        "/offers".to_owned(),
        "/offers/default".to_owned(),
        "/Offers/default/x".to_owned(),
        path(ID, "/"),
        path(ID, "/invoice/"),
        path(ID, "/bech32/qr/x"),
        format!("/offers//default/{ID}"),
        format!("/offers/../offers/default/{ID}"),
        format!("/offers/%2e%2e/{ID}"),
        format!("/offers/default%2f{ID}"),
        format!("/offers/default/..%2fdefault%2f{ID}"),
        format!("/offers/default%00/{ID}"),
        format!("/offers/default/{ID}%00"),
        format!("/offers/%2564efault/{ID}"),
        format!("/offers/%c0%ae%c0%ae/{ID}"),
        format!("/offers/def%ffault/{ID}"),
        format!("/offers/default/{ID}%2finvoice"),
        format!("/offers/default/%/{ID}"),
        format!("/offers/{}/{ID}", "a".repeat(9_000)),
    ] {
        bench.get(&path).await.reason(404);
    }
    let encoded = format!("/offers/%64efault/{ID}");
    assert_eq!(bench.get(&encoded).await.status, 200);
}

#[tokio::test]
async fn every_route_answers_every_method_in_its_way() {
    let bench = Bench::standard();
    let routes = ["", "/invoice?amount=1000", "/bech32", "/bech32/qr"].map(|rest| path(ID, rest));
    for route in routes.iter().map(String::as_str).chain(["/health"]) {
        let get = bench.get(route).await;
        assert_eq!(get.status, 200, "{route}");
        assert_eq!(get.header("access-control-allow-origin"), "*");

        let head = bench.send(request(Method::HEAD, route)).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{route}");
        // An invoice's length is not known before there is one.
        if !route.contains("/invoice") {
            assert_eq!(head.header("content-length"), get.body.len().to_string());
        }
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("cache-control"), get.header("cache-control"));

        let preflight = bench.send(request(Method::OPTIONS, route)).await;
        assert_eq!((preflight.status, preflight.body.len()), (204, 0));
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert_eq!(
            preflight.header("access-control-allow-methods"),
            "GET, HEAD, OPTIONS"
        );
        assert_eq!(preflight.header("access-control-allow-headers"), "*");

        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::TRACE,
        ] {
            let refused = bench.send(request(method, route)).await;
            refused.reason(405);
            assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
        }
    }
    for method in [Method::GET, Method::POST, Method::PUT] {
        bench
            .send(request(method, "/nothing/here"))
            .await
            .reason(404);
    }
    let preflight = bench.send(request(Method::OPTIONS, "/nothing/here")).await;
    assert_eq!(preflight.status, 204);
}

#[tokio::test]
async fn refuses_large_bodies_unread() {
    let bench = Bench::standard();
    let mut request = request(Method::GET, &path(ID, ""));
    *request.body_mut() = Body::from(vec![0_u8; 65_537]);
    bench.send(request).await.reason(413);
}
