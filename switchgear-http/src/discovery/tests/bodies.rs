use super::*;

/// A body as bytes, with any headers.
fn raw(headers: &[(&str, &str)], body: &[u8]) -> Request<Body> {
    let mut request = Request::post("/discovery");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

const AS_JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn refuses_a_field_that_is_named_twice() {
    let service = service();
    for (once, twice) in [
        (r#""weight":1"#, r#""weight":1,"weight":2"#),
        (
            r#""ampInvoice":false"#,
            r#""ampInvoice":false,"ampInvoice":true"#,
        ),
    ] {
        let body = by_key().to_string().replace(once, twice);
        let answer = send(&service, raw(&[AS_JSON], body.as_bytes())).await;
        let field = once.split('"').nth(1).unwrap();
        let detail = answer.problem(422);
        assert!(
            detail.starts_with(&format!("duplicate field `{field}`")),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn takes_whole_numbers_in_every_spelling_of_json_and_no_other() {
    let service = service();
    let path = format!("/discovery/pk/{KEY}");
    for (spelled, weight) in [("1.0", 1), ("2e3", 2_000), ("3.5E1", 35), ("-0", 0)] {
        let body = by_key().to_string();
        let body = body.replace(r#""weight":1"#, &format!(r#""weight":{spelled}"#));
        let answer = send(&service, raw(&[AS_JSON], body.as_bytes())).await;
        assert_eq!(answer.status, 201, "{spelled}");
        let got = call(&service, "GET", &path, None).await.json();
        assert_eq!(got["weight"], weight);
        call(&service, "DELETE", &path, None).await;
    }
    for weight in ["01", "+1", ".5", "1.", "0x1", "NaN", "Infinity"] {
        let body = by_key().to_string();
        let body = body.replace(r#""weight":1"#, &format!(r#""weight":{weight}"#));
        let answer = send(&service, raw(&[AS_JSON], body.as_bytes())).await;
        answer.problem(400);
    }
    for weight in ["1e999", "-1e999"] {
        let body = by_key().to_string();
        let body = body.replace(r#""weight":1"#, &format!(r#""weight":{weight}"#));
        let answer = send(&service, raw(&[AS_JSON], body.as_bytes())).await;
        let detail = answer.problem(422);
        assert!(detail.starts_with("number out of range"), "{detail}");
    }
}

#[tokio::test]
async fn refuses_text_that_is_no_unicode_and_json_that_is_too_deep() {
    let service = service();
    let deep = format!(r#"{{"name":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [
        &b"{\"name\":\"\xff\"}"[..],
        b"{\"name\":\"\\ud800\"}",
        b"\xef\xbb\xbf{}",
        b"{'name':1}",
        b"{} ,",
        deep.as_bytes(),
    ] {
        let detail = send(&service, raw(&[AS_JSON], body)).await.problem(400);
        assert!(detail.starts_with("the body is not JSON: "), "{detail}");
    }
}

#[tokio::test]
async fn reads_neither_compressed_bodies_nor_those_of_two_types() {
    let service = service();
    let body = by_key().to_string();
    let coded = |coding| [AS_JSON, ("content-encoding", coding)];
    for (headers, detail) in [
        (coded("gzip"), "the body must not be compressed"),
        (coded(""), "the body must not be compressed"),
        (
            [AS_JSON, ("content-type", "text/plain")],
            "the content type must be application/json",
        ),
        (
            [AS_JSON, AS_JSON],
            "the content type must be application/json",
        ),
    ] {
        let answer = send(&service, raw(&headers, body.as_bytes())).await;
        assert_eq!(answer.problem(415), detail);
    }
    let answer = send(&service, raw(&coded("Identity"), body.as_bytes())).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn refuses_bodies_of_another_type_broken_or_too_large() {
    let service = service();
    let typed = |content_type: Option<&str>, body: Vec<u8>| {
        let mut request = Request::post("/discovery").body(Body::from(body)).unwrap();
        if let Some(content_type) = content_type {
            let value = content_type.parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        request
    };
    let good = by_key().to_string().into_bytes();
    for content_type in [None, Some("text/json"), Some(""), Some("application/jsonp")] {
        send(&service, typed(content_type, good.clone()))
            .await
            .problem(415);
    }
    let json = Some("Application/JSON ; charset=utf-8");
    for body in [
        &b""[..],
        b"{",
        b"{\"a\":1,}",
        b"\xff",
        b"{}{}",
        &b"[".repeat(1_000),
    ] {
        send(&service, typed(json, body.to_vec()))
            .await
            .problem(400);
    }
    let mut large = good.clone();
    large.resize(2 * 1_024 * 1_024, b' ');
    assert_eq!(send(&service, typed(json, large.clone())).await.status, 201);
    large.push(b' ');
    send(&service, typed(json, large)).await.problem(413);
}
