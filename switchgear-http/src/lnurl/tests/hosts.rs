use tower::Layer as _;

use super::*;
use crate::{
    client::{ClientLayer, TrustedProxies},
    failure::ErrorStyle,
    serve::PeerAddr,
};

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

/// The callback that a request from `peer` with these headers gets, and its `Vary`; or the reason of a
/// refusal.
async fn ask_through(peer: &str, headers: &[(&'static str, &str)]) -> Result<[String; 2], String> {
    let bench = Bench::standard();
    let proxies = TrustedProxies::try_new(["10.0.0.0/8"]).unwrap();
    let layer = ClientLayer::new(proxies, ErrorStyle::Lnurl { as_200: false });
    let service = layer.layer(bench.service.clone());
    let mut request = Request::get(path(ID, "")).extension(PeerAddr(peer.parse().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = testing::send(&service, request).await;
    if answer.status != 200 {
        return Err(answer.reason(400));
    }
    let callback = answer.json()["callback"].as_str().unwrap().to_owned();
    let (base, _) = callback.split_once("/offers/").unwrap();
    Ok([base.to_owned(), answer.header("vary").to_owned()])
}

#[tokio::test]
async fn callbacks_follow_a_trusted_proxys_headers_and_no_strangers() {
    const PROXIED: &str = "Host, Forwarded, X-Forwarded-Host, X-Forwarded-Proto";
    let (proxy, stranger) = ("10.0.0.1:9", "192.0.2.1:9");
    let host = ("host", "a.example");
    let inner_host = ("host", "10.0.0.5:8080");
    let to_b = ("x-forwarded-host", "B.example:8443");
    let plain = ("x-forwarded-proto", "http");
    let forwarded = ("forwarded", "for=1.2.3.4;host=\"a.example:80\";proto=http");
    for (peer, headers, base, vary) in [
        (proxy, vec![host], "https://a.example", PROXIED),
        (proxy, vec![host, plain], "http://a.example", PROXIED),
        (
            proxy,
            vec![inner_host, to_b],
            "https://b.example:8443",
            PROXIED,
        ),
        (
            proxy,
            vec![inner_host, to_b, plain],
            "http://b.example:8443",
            PROXIED,
        ),
        (
            proxy,
            vec![inner_host, forwarded],
            "http://a.example",
            PROXIED,
        ),
        (proxy, vec![forwarded], "http://a.example", PROXIED),
        (
            "[::ffff:10.0.0.1]:9",
            vec![forwarded],
            "http://a.example",
            PROXIED,
        ),
        (
            stranger,
            vec![host, to_b, plain],
            "https://a.example",
            "Host",
        ),
        (stranger, vec![host, forwarded], "https://a.example", "Host"),
    ] {
        let expected = Ok([base.to_owned(), vary.to_owned()]);
        assert_eq!(ask_through(peer, &headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_is_held_to_the_list_of_hosts_and_to_the_form() {
    let (proxy, stranger) = ("10.0.0.1:9", "192.0.2.1:9");
    let host = ("host", "a.example");
    let not_served = "this host is not served here";
    for (peer, headers, reason) in [
        (
            proxy,
            vec![host, ("x-forwarded-host", "evil.example")],
            not_served,
        ),
        (
            proxy,
            vec![host, ("forwarded", "host=evil.example")],
            not_served,
        ),
        // The list names port 8443 of this host, and the proxy's scheme implies another one.
        (
            proxy,
            vec![host, ("x-forwarded-host", "b.example")],
            not_served,
        ),
        (
            proxy,
            vec![host, ("x-forwarded-host", "a.example:x@evil.example")],
            "the X-Forwarded-Host header of the proxy in front is malformed",
        ),
        (
            proxy,
            vec![host, ("x-forwarded-host", "a.example, a.example")],
            "the X-Forwarded-Host header of the proxy in front says several things at once",
        ),
        (
            proxy,
            vec![host, ("x-forwarded-proto", "javascript")],
            "the X-Forwarded-Proto header of the proxy in front is malformed",
        ),
        (
            proxy,
            vec![
                host,
                ("x-forwarded-host", "a.example"),
                ("forwarded", "host=\"b.example:8443\""),
            ],
            "the Forwarded and X-Forwarded headers of the proxy in front do not say the same, it must set both alike or remove one kind",
        ),
        (
            stranger,
            vec![("x-forwarded-host", "a.example")],
            "the request names no host",
        ),
        (
            stranger,
            vec![("host", "evil.example"), ("forwarded", "host=a.example")],
            not_served,
        ),
    ] {
        assert_eq!(
            ask_through(peer, &headers).await,
            Err(reason.to_owned()),
            "{headers:?}"
        );
    }
}
