use super::*;

#[tokio::test]
async fn leaves_out_comments_while_they_are_off() {
    let off = LnurlConfig {
        comments: None,
        ..config()
    };
    let bench = Bench::new(off, FakeBalancer::default());
    let offer = bench.get(&path(ID, "")).await.json();
    assert_eq!(offer.get("commentAllowed"), None);
    let query = "/invoice?amount=1000&comment=too-long&comment=%00";
    assert_eq!(bench.get(&path(ID, query)).await.status, 200);
    assert_eq!(bench.balancer.asked.lock().unwrap()[0].comment, None);
}

#[tokio::test]
async fn makes_an_invoice_and_lets_nobody_keep_it() {
    let bench = Bench::standard();
    let query = "/invoice?nonce=1&comment=%E2%82%AC+a%26b&amount=9000&x";
    let answer = bench.get(&path(ENDING, query)).await;
    assert_eq!(
        answer.json(),
        serde_json::json!({"pr": "lnbc1example", "routes": []})
    );
    answer.assert_uncached();
    let asked = bench.balancer.asked.lock().unwrap();
    assert_eq!(asked[0].amount, Millisatoshi::new(9_000));
    assert_eq!(asked[0].expiry, Duration::from_secs(600));
    assert_eq!(asked[0].comment.as_ref().unwrap().as_str(), "€ a&b");
}

#[tokio::test]
async fn refuses_hostile_amounts_before_any_node_is_asked() {
    let bench = Bench::standard();
    let out_of_range = ["999", "9001", "0", "18446744073709551615"];
    let forms = [
        "",
        "-1",
        "%2B1000",
        "+1000",
        "1e3",
        "1000.0",
        "1,000",
        "1_000",
        "0x3e8",
        "NaN",
        "inf",
        "1000%20",
        "%201000",
        "1000%00",
        "1000%0a",
        "%D9%A1%D9%A0%D9%A0%D9%A0",
        "%EF%BC%91%EF%BC%90%EF%BC%90%EF%BC%90",
        "18446744073709551616",
        "1000msat",
        "null",
        "true",
        "[1000]",
        "1000;2000",
        "%FF",
        "1000%FF",
        "9999999999999999999999999999999999",
    ];
    for amount in out_of_range.iter().chain(&forms) {
        let answer = bench
            .get(&path(ID, &format!("/invoice?amount={amount}")))
            .await;
        assert!(answer.reason(400).starts_with("amount: "), "{amount}");
    }
    for query in [
        "",
        "?",
        "?amount",
        "?amount[]=1000",
        "?Amount=1000",
        "?amount=1000&amount=1000",
    ] {
        let answer = bench.get(&path(ID, &format!("/invoice{query}"))).await;
        assert!(answer.reason(400).starts_with("amount: "), "{query}");
    }
    assert_eq!(bench.calls(), 0);
}

#[tokio::test]
async fn refuses_comments_that_are_too_long_or_repeated() {
    let bench = Bench::standard();
    for (comment, word) in [
        ("comment=123456", "at most 5"),
        (
            "comment=%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80x",
            "at most 5",
        ),
        ("comment=a&comment=a", "once"),
    ] {
        let answer = bench
            .get(&path(ID, &format!("/invoice?amount=1000&{comment}")))
            .await;
        let reason = answer.reason(400);
        assert!(
            reason.starts_with("comment: ") && reason.contains(word),
            "{reason}"
        );
    }
    assert_eq!(bench.calls(), 0);
    let crabs = "comment=%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80%F0%9F%A6%80";
    let answer = bench
        .get(&path(ID, &format!("/invoice?amount=1000&{crabs}")))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn answers_502_in_a_payers_words_when_no_node_made_the_invoice() {
    for refusal in [NoInvoice::NoNode, NoInvoice::Exhausted, NoInvoice::Deadline] {
        let balancer = FakeBalancer {
            refuses: Some(refusal),
            ..FakeBalancer::default()
        };
        let bench = Bench::new(config(), balancer);
        let answer = bench.get(&path(ID, "/invoice?amount=1000")).await;
        assert_eq!(answer.reason(502), refusal.to_string());
        assert_eq!(bench.calls(), 1);
    }
}

#[tokio::test]
async fn passes_every_character_of_a_comment_on() {
    let bench = Bench::standard();
    for (sent, comment) in [
        ("a%00b", "a\0b"),
        ("%0D%0A%1B", "\r\n\u{1b}"),
        ("e%CC%81", "e\u{301}"),
        ("%E2%80%AEx", "\u{202e}x"),
        ("%3Cb%3E", "<b>"),
        ("%3D1%2B1", "=1+1"),
    ] {
        let query = format!("/invoice?amount=1000&comment={sent}");
        assert_eq!(bench.get(&path(ID, &query)).await.status, 200, "{sent}");
        let asked = bench.balancer.asked.lock().unwrap();
        let last = asked.last().unwrap().comment.as_ref().unwrap();
        assert_eq!(last.as_str(), comment);
    }
}

#[tokio::test]
async fn head_checks_the_parameters_and_asks_no_node() {
    let bench = Bench::standard();
    for (query, status) in [
        ("amount=1000", 200),
        ("amount=1", 400),
        ("amount=1000&comment=123456", 400),
    ] {
        let route = path(ID, &format!("/invoice?{query}"));
        let answer = bench.send(request(Method::HEAD, &route)).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{query}");
        assert_eq!(answer.header("content-type"), "application/json");
        answer.assert_uncached();
    }
    assert_eq!(bench.calls(), 0);
}
