use super::*;

#[tokio::test]
async fn answers_only_under_the_hosts_it_goes_by() {
    let bench = Bench::standard();
    for (host, authority) in [
        ("a.example", "a.example"),
        ("A.EXAMPLE:443", "a.example"),
        ("a.example:9000", "a.example:9000"),
        ("b.example:8443", "b.example:8443"),
    ] {
        let mut request = request(Method::GET, &path(ID, ""));
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        request
            .headers_mut()
            .insert("x-forwarded-host", "evil.example".parse().unwrap());
        request
            .headers_mut()
            .insert("x-forwarded-proto", "http".parse().unwrap());
        request
            .headers_mut()
            .insert("forwarded", "host=evil.example".parse().unwrap());
        let callback = bench.send(request).await.json()["callback"].clone();
        assert_eq!(
            callback,
            format!("https://{authority}/offers/default/{ID}/invoice")
        );
    }
    for host in [
        "",
        "evil.example",
        "b.example",
        "b.example:443",
        "sub.a.example",
        "a.example.",
        "a.example:",
        "a.example:x",
        "a.example:0",
        "a.example:99999",
        "u@a.example",
        "u:p@a.example",
        "a.example:x@evil.example",
        "a.example:443@evil.example",
        "a.example, evil.example",
        "a.example evil.example",
        "a.example/",
        "a.example?x",
        "a.example#",
        "a.example\\",
        "[::1]",
        "127.0.0.1",
        "a.example%00",
        "http://a.example",
    ] {
        let mut request = request(Method::GET, &path(ID, ""));
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        bench.send(request).await.reason(400);
    }
    let mut twice = request(Method::GET, &path(ID, ""));
    twice
        .headers_mut()
        .append(header::HOST, "a.example".parse().unwrap());
    bench.send(twice).await.reason(400);
    let mut none = request(Method::GET, &path(ID, ""));
    none.headers_mut().remove(header::HOST);
    bench.send(none).await.reason(400);
    let absolute = format!("http://evil.example{}", path(ID, ""));
    bench.get(&absolute).await.reason(400);
    let absolute = format!("https://a.example{}", path(ID, ""));
    assert_eq!(bench.get(&absolute).await.status, 200);
}

#[tokio::test]
async fn a_public_url_wins_over_whatever_a_request_says() {
    let public = LnurlConfig {
        authority: CallbackBase::Public("https://pay.example/base/?x#y".parse().unwrap()),
        scheme: Scheme::Http,
        ..config()
    };
    let bench = Bench::new(public, FakeBalancer::default());
    let mut request = request(Method::GET, &path(ID, ""));
    request
        .headers_mut()
        .insert(header::HOST, "evil.example".parse().unwrap());
    let answer = bench.send(request).await;
    let callback = format!("https://pay.example/base/offers/default/{ID}/invoice");
    assert_eq!(answer.json()["callback"], callback);
    assert_eq!(answer.header("vary"), "");
}
