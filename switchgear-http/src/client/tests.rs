use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;
use crate::failure::ErrorStyle;

const PROXY: &str = "10.0.0.1:443";

/// Names and values of headers.
type Lines<'a> = &'a [(&'static str, &'a str)];

fn headers(lines: Lines<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn ask(peer: &str, lines: Lines<'_>) -> Result<Option<Client>, ForwardedError> {
    let proxies = TrustedProxies::try_new(["10.0.0.0/8", " ", "fd00::/8"]).unwrap();
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddr(peer.parse().unwrap()));
    proxies.client(&extensions, &headers(lines))
}

fn client(address: &str, scheme: Option<Scheme>, host: &str) -> Client {
    Client {
        address: Some(address.parse().unwrap()),
        scheme,
        host: (!host.is_empty()).then(|| host.parse().unwrap()),
    }
}

#[test]
fn ignores_what_strangers_say_whatever_it_is() {
    for peer in ["198.51.100.1:9", "[2001:db8::1]:9", "[::10.0.0.1]:9"] {
        for lines in [
            &[("forwarded", "for=10.0.0.1;proto=https;host=a.example")] as Lines<'_>,
            &[
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "gopher"),
            ],
            &[("forwarded", "\"")],
            &[
                ("x-forwarded-host", "a.example"),
                ("x-forwarded-host", "b.example"),
            ],
        ] {
            assert_eq!(ask(peer, lines), Ok(None), "{peer}");
        }
    }
    let unknown = TrustedProxies::try_new(["::/0", "0.0.0.0/0"]).unwrap();
    let lines = headers(&[("x-forwarded-for", "192.0.2.7")]);
    assert_eq!(unknown.client(&Extensions::new(), &lines), Ok(None));
}

#[test]
fn takes_the_right_most_address_that_is_no_trusted_proxys() {
    for (peer, lines, address) in [
        (PROXY, &[] as Lines<'_>, "10.0.0.1"),
        (PROXY, &[("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
        (
            "[::ffff:10.0.0.1]:9",
            &[("x-forwarded-for", "192.0.2.7")],
            "192.0.2.7",
        ),
        (
            "[fd00::1]:9",
            &[("x-forwarded-for", "2001:DB8::7")],
            "2001:db8::7",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "1.1.1.1, 192.0.2.7,10.0.0.2")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "nonsense\", 192.0.2.7")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[
                ("x-forwarded-for", "1.1.1.1"),
                ("x-forwarded-for", "192.0.2.7"),
            ],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")],
            "10.0.0.3",
        ),
        (PROXY, &[("x-forwarded-for", "192.0.2.7:4711")], "192.0.2.7"),
        (
            PROXY,
            &[("x-forwarded-for", "[2001:db8::7]:4711")],
            "2001:db8::7",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "::ffff:192.0.2.7")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "1.1.1.1, unknown")],
            "10.0.0.1",
        ),
        (
            PROXY,
            &[("x-forwarded-for", "1.1.1.1, _hidden, 10.0.0.2, ")],
            "10.0.0.2",
        ),
        (PROXY, &[("forwarded", "for=192.0.2.7")], "192.0.2.7"),
        (
            PROXY,
            &[("forwarded", "for=\"[2001:db8::7]:4711\"")],
            "2001:db8::7",
        ),
        (
            PROXY,
            &[("forwarded", "For=\"192.0.2.7:_port\"")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[(
                "forwarded",
                "for=1.1.1.1, for=192.0.2.7;by=_x, for=10.0.0.2",
            )],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("forwarded", "for=1.1.1.1"), ("forwarded", "for=192.0.2.7")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("forwarded", "for=9.9.9.9.9;host=!, for=192.0.2.7")],
            "192.0.2.7",
        ),
        (
            PROXY,
            &[("forwarded", "for=1.1.1.1, for=unknown")],
            "10.0.0.1",
        ),
        (
            PROXY,
            &[("forwarded", "for=1.1.1.1, for=\"_x:80\", for=10.0.0.2")],
            "10.0.0.2",
        ),
        (
            PROXY,
            &[("forwarded", "for=1.1.1.1, by=10.0.0.1")],
            "10.0.0.1",
        ),
    ] {
        assert_eq!(
            ask(peer, lines),
            Ok(Some(client(address, None, ""))),
            "{lines:?}"
        );
    }
}

#[test]
fn takes_scheme_and_host_from_the_nearest_proxy_that_tells_them() {
    let https = Some(Scheme::Https);
    let http = Some(Scheme::Http);
    let peer = "10.0.0.1";
    for (lines, expected) in [
        (
            &[("x-forwarded-proto", "HTTPS")] as Lines<'_>,
            client(peer, https, ""),
        ),
        (
            &[("x-forwarded-host", "Pay.example:8443")],
            client(peer, None, "pay.example:8443"),
        ),
        (
            &[
                ("x-forwarded-for", "1.1.1.1, 192.0.2.7"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "[2001:db8::1]:80"),
            ],
            client("192.0.2.7", http, "[2001:db8::1]:80"),
        ),
        (
            &[(
                "forwarded",
                "for=192.0.2.7;proto=Https;host=\"pay.example:8443\"",
            )],
            client("192.0.2.7", https, "pay.example:8443"),
        ),
        // Of two trusted proxies the one that this service hears counts.
        (
            &[(
                "forwarded",
                "for=192.0.2.7;host=far.example;proto=https, for=10.0.0.2;host=near.example",
            )],
            client("192.0.2.7", https, "near.example"),
        ),
        // What a client writes itself does not.
        (
            &[("forwarded", "host=evil.example;proto=https, for=192.0.2.7")],
            client("192.0.2.7", None, ""),
        ),
        (
            &[("x-forwarded-host", ""), ("x-forwarded-proto", " ")],
            client(peer, None, ""),
        ),
    ] {
        assert_eq!(ask(PROXY, lines), Ok(Some(expected)), "{lines:?}");
    }
}

#[test]
fn refuses_what_a_proxy_says_amiss_instead_of_guessing() {
    use ForwardedError::{Ambiguous, Disagreeing, Malformed};
    for (lines, error) in [
        (
            &[("x-forwarded-proto", "gopher")] as Lines<'_>,
            Malformed("X-Forwarded-Proto"),
        ),
        (
            &[("x-forwarded-proto", "https,http")],
            Ambiguous("X-Forwarded-Proto"),
        ),
        (
            &[("x-forwarded-proto", "https, https")],
            Ambiguous("X-Forwarded-Proto"),
        ),
        (
            &[
                ("x-forwarded-proto", "https"),
                ("x-forwarded-proto", "http"),
            ],
            Ambiguous("X-Forwarded-Proto"),
        ),
        (
            &[("x-forwarded-host", "a.example:x@evil.example")],
            Malformed("X-Forwarded-Host"),
        ),
        (
            &[("x-forwarded-host", "a.example/")],
            Malformed("X-Forwarded-Host"),
        ),
        (
            &[("x-forwarded-host", "a.example:")],
            Malformed("X-Forwarded-Host"),
        ),
        (
            &[("x-forwarded-host", "ä.example")],
            Malformed("X-Forwarded-Host"),
        ),
        (
            &[("x-forwarded-host", "a.example, b.example")],
            Ambiguous("X-Forwarded-Host"),
        ),
        (
            &[("x-forwarded-for", "1.1.1.1, nonsense")],
            Malformed("X-Forwarded-For"),
        ),
        (
            &[("x-forwarded-for", "192.0.2.7:x")],
            Malformed("X-Forwarded-For"),
        ),
        (
            &[("x-forwarded-for", "[192.0.2.7]")],
            Malformed("X-Forwarded-For"),
        ),
        (
            &[("x-forwarded-for", "[2001:db8::1")],
            Malformed("X-Forwarded-For"),
        ),
        (
            &[("x-forwarded-for", "192.0.2.07")],
            Malformed("X-Forwarded-For"),
        ),
        (
            &[("forwarded", "for=192.0.2.7;for=192.0.2.8")],
            Ambiguous("Forwarded"),
        ),
        (&[("forwarded", "proto=gopher")], Malformed("Forwarded")),
        (
            &[("forwarded", "host=\"a.example:x@evil.example\"")],
            Malformed("Forwarded"),
        ),
        (&[("forwarded", "for=\"192.0.2.7")], Malformed("Forwarded")),
        (
            &[
                ("forwarded", "for=\"1.1.1.1"),
                ("forwarded", "for=192.0.2.7"),
            ],
            Malformed("Forwarded"),
        ),
        (&[("forwarded", "for=nonsense")], Malformed("Forwarded")),
        // A proxy that knows one kind passes on a stranger's other one.
        (
            &[
                ("forwarded", "for=192.0.2.7;host=evil.example"),
                ("x-forwarded-for", "192.0.2.7"),
            ],
            Disagreeing,
        ),
        (
            &[
                ("forwarded", "for=192.0.2.7"),
                ("x-forwarded-for", "192.0.2.8"),
            ],
            Disagreeing,
        ),
    ] {
        assert_eq!(ask(PROXY, lines), Err(error), "{lines:?}");
    }
}

#[test]
fn believes_both_kinds_where_they_agree() {
    let lines: Lines<'_> = &[
        ("forwarded", "for=192.0.2.7;proto=https;host=pay.example"),
        ("x-forwarded-for", "1.1.1.1, 192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "PAY.example"),
    ];
    let agreed = client("192.0.2.7", Some(Scheme::Https), "pay.example");
    assert_eq!(ask(PROXY, lines), Ok(Some(agreed)));
}

#[test]
fn a_list_of_proxies_names_networks_or_says_what_one_looks_like() {
    let none = TrustedProxies::try_new(["", " "]).unwrap();
    assert!(none.is_empty());
    assert_eq!(none, TrustedProxies::default());
    let error = TrustedProxies::try_new(["10.0.0.0/8", "proxy.example"]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("\"proxy.example\" is no network"),
        "{error}"
    );
}

#[tokio::test]
async fn the_layer_refuses_in_the_style_of_the_service_and_else_leaves_the_client() {
    let whoami = service_fn(|request: Request<()>| async move {
        let client = request.extensions().get::<Client>();
        let host = client.and_then(|client| client.host.as_ref());
        let said = host.map_or_else(|| "nobody".to_owned(), ToString::to_string);
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(said)))
    });
    let proxies = TrustedProxies::try_new(["10.0.0.1"]).unwrap();
    let style = ErrorStyle::Lnurl { as_200: false };
    let service = ClientLayer::new(proxies, style).layer(whoami);
    let reason = "the X-Forwarded-Host header of the proxy in front is malformed";
    let refusal = format!(r#"{{"status":"ERROR","reason":"{reason}"}}"#);
    for (peer, host, status, said) in [
        ("10.0.0.1:9", "a.example", 200, "a.example"),
        ("10.0.0.2:9", "a.example", 200, "nobody"),
        ("10.0.0.1:9", "a@example", 400, refusal.as_str()),
        ("10.0.0.2:9", "a@example", 200, "nobody"),
    ] {
        let request = Request::get("/")
            .header("x-forwarded-host", host)
            .extension(PeerAddr(peer.parse().unwrap()));
        let request = request.body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, said);
    }
}
