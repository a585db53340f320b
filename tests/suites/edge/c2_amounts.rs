//! C2: an amount that is no plain number, given once and in range, is refused before any node is asked.

use anyhow::ensure;
use switchgear_tests::{Answer, Service};

use crate::{
    offers::NewOffer,
    stage::{QUIET, Stage, both_ways},
};

/// In per-cent encoding, as they stand behind `amount=`.
const VALUES: [&str; 53] = [
    // No number, or one that is out of range.
    "",
    "0",
    "00",
    "999",
    "9001",
    "-0",
    "-1",
    "-5000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "99999999999999999999999999999999999999999999999999",
    // Other ways to write 5,000.
    "+5000",
    "%2B5000",
    "5e3",
    "5E3",
    "5000.0",
    "5000.",
    ".5000",
    "5,000",
    "5.000",
    "5_000",
    "5'000",
    "5%20000",
    "0x1388",
    "0b1001110001000",
    "0o11610",
    "1388h",
    "5000n",
    "5000u64",
    "5000msat",
    "5k",
    "%2250%30%30%22",
    "[5000]",
    "%7B5000%7D",
    "5000;6000",
    "5000,6000",
    "%D9%A5%D9%A0%D9%A0%D9%A0",
    "%EF%BC%95%EF%BC%90%EF%BC%90%EF%BC%90",
    // White space and bytes that are no text beside it.
    "%205000",
    "5000%20",
    "5000+",
    "5000%09",
    "5000%0A",
    "5000%0D%0A",
    "5000%00",
    "5000%FF",
    "5000%E2%80%8B",
    // Words.
    "NaN",
    "Infinity",
    "null",
];

/// The whole query.
const QUERIES: [&str; 7] = [
    "",
    "?amount",
    "?Amount=5000",
    "?amount[]=5000",
    "?amount%20=5000",
    "?amount=5000&amount=5000",
    "?amount=5000&%61mount=6000",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_hostile_amounts_are_refused_before_any_node_is_asked() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options.with_lines(Service::Lnurl, &[QUIET]), 1).await?;
        let offer = NewOffer::new("amounts", 1_000, 9_000);
        let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
        let door = stage.door(Service::Lnurl)?;
        let mut wallet = door.open().await?;
        let calls = stage.calls();

        let values = VALUES.map(|value| format!("?amount={value}"));
        let queries = values.into_iter().chain(QUERIES.map(str::to_owned));
        let mut refused = 0;
        for query in queries {
            let target = format!("{path}/invoice{query}");
            let answer = wallet.ask(door.request("GET", &target, "")).await?;
            is_refused(&answer).map_err(|error| error.context(query))?;
            refused += 1;
        }
        assert_eq!(refused, 60);
        assert_eq!(stage.calls(), calls, "calls that reached the node");

        let target = format!("{path}/invoice?x=1&amount=5000&&");
        let good = wallet.ask(door.request("GET", &target, "")).await?;
        assert_eq!(good.status, 200, "{}", good.text());
        assert!(stage.calls() > calls, "the node's calls are counted");
        stage.end().await?;
    }
    Ok(())
}

/// As LUD-06 has it, with the field that is wrong.
fn is_refused(answer: &Answer) -> anyhow::Result<()> {
    let json = answer.json()?;
    let reason = json["reason"].as_str().unwrap_or_default();
    ensure!(
        answer.status == 400 && json["status"] == "ERROR" && reason.starts_with("amount: "),
        "{} {json}",
        answer.status
    );
    Ok(())
}
