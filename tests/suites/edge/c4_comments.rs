//! C4: comments are counted in characters, reach the picker as their bytes, and never break a line of the
//! log.

use lightning_invoice::Bolt11Invoice;
use switchgear_tests::{Answer, Door, Service, SwgrOptions, Wire};

use crate::{
    offers::NewOffer,
    stage::{Stage, both_ways},
    text::encoded,
};

/// In characters.
const LIMIT: usize = 12;
const LINES: [&str; 2] = ["comment-allowed: 12", "backend-selection: consistent"];

/// Of one to four bytes each; alone, joined, turned, and with a meaning elsewhere.
const LETTERS: [&str; 15] = [
    "a", "ä", "€", "🦀", "\u{301}", "\u{200d}", "\u{202e}", "\u{2028}", "\r", "\n", "\0", "\u{1b}",
    "<", "=", "\"",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_comments_are_counted_in_characters() -> anyhow::Result<()> {
    for options in both_ways() {
        let bench = Bench::start(options, 1).await?;
        let mut wallet = bench.door.open().await?;
        for letter in LETTERS {
            for (count, status) in [(0, 200), (1, 200), (LIMIT, 200), (LIMIT + 1, 400)] {
                let comment = encoded(&letter.repeat(count));
                let answer = bench.ask(&mut wallet, &comment).await?;
                assert_eq!(answer.status, status, "{count} times {letter:?}");
                let reason = answer.json()?["reason"].clone();
                let why = (status == 400).then_some("comment: must be at most 12 characters");
                assert_eq!(reason.as_str(), why, "{count} times {letter:?}");
            }
        }
        bench.stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_the_picker_gets_a_comments_bytes() -> anyhow::Result<()> {
    let bench = Bench::start(SwgrOptions::new(), 5).await?;
    let mut wallet = bench.door.open().await?;
    let mut differing = 0;
    for number in 10..30 {
        // The same bytes, however a wallet writes them.
        let same = [
            format!("%C3%A9+%2B{number}"),
            format!("%c3%a9%20%2b{number}"),
            format!("é%20%2B%{:02X}{}", 48 + number / 10, number % 10),
        ];
        // Alike to the eye, and other bytes.
        let other = format!("e%CC%81+%2B{number}");
        let node = bench.payee(&mut wallet, &same[0]).await?;
        for written in &same {
            assert_eq!(bench.payee(&mut wallet, written).await?, node, "{written}");
        }
        differing += usize::from(bench.payee(&mut wallet, &other).await? != node);
    }
    // Of five nodes, four times in five; by chance never in twenty, once in 10^14.
    assert!(differing > 0, "characters alike to the eye are one key");
    bench.stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_a_comment_never_breaks_the_log() -> anyhow::Result<()> {
    /// What stands there would be a line of its own.
    const FORGED: &str = "2026-01-01";

    for options in both_ways() {
        let bench = Bench::start(options, 1).await?;
        let hostile = [
            encoded("\r\n2026-01-01"),
            encoded("\n2026-01-01"),
            encoded("\u{2028}2026-01-01"),
            encoded("\u{202e}x\u{1b}[2J\0"),
            // Bytes beyond ASCII may stand in a target as they are.
            "\u{202e}\u{2028}\u{85}x".to_owned(),
            encoded("<b>x"),
            encoded("=1+1|cmd"),
        ];
        for comment in &hostile {
            let answer = bench.ask(&mut bench.door.open().await?, comment).await?;
            assert_eq!(answer.status, 200, "{comment:?}: {}", answer.text());
        }
        let log = bench.stage.swgr.log()?;
        let is_tame = |line: &str| !line.starts_with(FORGED) && !line.contains(is_hostile);
        let broken: Vec<_> = log.lines().filter(|line| !is_tame(line)).collect();
        assert_eq!(broken, Vec::<&str>::new());
        for target in ["clf::lnurl: ", "switchgear_http::lnurl"] {
            let lines = bench.stage.log_lines(&[target, &bench.path[16..]])?;
            assert_eq!(lines.len(), hostile.len(), "of {target}: {lines:#?}");
        }
        bench.stage.end().await?;
    }
    Ok(())
}

/// What moves a terminal's cursor, ends a line or turns the direction.
fn is_hostile(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
}

struct Bench {
    stage: Stage,
    door: Door,
    path: String,
}

impl Bench {
    async fn start(options: SwgrOptions, nodes: usize) -> anyhow::Result<Self> {
        let stage = Stage::start(&options.with_lines(Service::Lnurl, &LINES), nodes).await?;
        let offer = NewOffer::new("comments", 1_000, 9_000);
        Ok(Self {
            path: offer.publish(&mut stage.admin(Service::Offer)?).await?,
            door: stage.door(Service::Lnurl)?,
            stage,
        })
    }

    /// Asks for an invoice with `comment` as it stands in the query.
    async fn ask(&self, wallet: &mut Wire, comment: &str) -> anyhow::Result<Answer> {
        let target = format!("{}/invoice?amount=1000&comment={comment}", self.path);
        wallet.ask(self.door.request("GET", &target, "")).await
    }

    async fn payee(&self, wallet: &mut Wire, comment: &str) -> anyhow::Result<String> {
        let answer = self.ask(wallet, comment).await?.json()?;
        let pr = answer["pr"].as_str().unwrap_or_default();
        let invoice: Bolt11Invoice = pr
            .parse()
            .map_err(|error| anyhow::anyhow!("{error}: {answer}"))?;
        Ok(invoice.recover_payee_pub_key().to_string())
    }
}
