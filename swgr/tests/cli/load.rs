//! `swgr offer load` against the real service: whole, killed and resumed, stopped, refused.

use std::{
    fs,
    io::Write as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Folder, Logged, Run};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(2);

const CONCURRENCY: usize = 8;

/// An offer service alone, on SQLite, whose access log is in a file.
struct Offers {
    folder: Folder,
    service: Logged,
    url: String,
}

impl Offers {
    fn start() -> Self {
        let folder = Folder::new();
        folder
            .run("offer token mint-all -p offer.pem -k offer.key -o offer.token")
            .good();
        folder.write(
            "swgr.yaml",
            "offer-service: {address: '127.0.0.1:0', auth-authority: offer.pem}\n\
             store: {offer: {type: database, database-url: 'sqlite://swgr.db'}}\n",
        );
        let mut offers = Self {
            service: Logged::start(&folder, "service -c swgr.yaml offer", "service.log"),
            url: String::new(),
            folder,
        };
        offers.url = offers.service.url("offer");
        offers
    }

    /// The same service on the same port, as after a crash.
    fn restart(&mut self) {
        let address = self.url.strip_prefix("http://").unwrap();
        let text = self
            .folder
            .read("swgr.yaml")
            .replace("127.0.0.1:0", address);
        self.folder.write("swgr.yaml", &text);
        self.service = Logged::start(&self.folder, "service -c swgr.yaml offer", "again.log");
        assert_eq!(self.service.url("offer"), self.url);
    }

    fn arguments(&self, arguments: &str) -> String {
        let url = &self.url;
        format!("offer load {arguments} -b {url} -a offer.token --concurrency {CONCURRENCY}")
    }

    fn load(&self, arguments: &str) -> Run {
        self.folder.run(&self.arguments(arguments))
    }

    /// A load that goes on while the test does something to it.
    fn spawn(&self, arguments: &str) -> Child {
        let mut command = self.folder.command(&self.arguments(arguments));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// How many requests with these words the service has answered.
    fn answered(&self, words: &str) -> usize {
        self.service.count(words)
    }

    /// Waits until so many records were written.
    fn wait_for_writes(&self, count: usize) {
        let begin = Instant::now();
        while self.answered("\"PUT /") < count {
            assert!(begin.elapsed() < PATIENCE, "no {count} writes");
            std::thread::sleep(PERIOD);
        }
    }

    /// Exactly so many records were written, the last of them perhaps not yet logged.
    #[track_caller]
    fn assert_writes(&self, count: usize) {
        self.wait_for_writes(count);
        assert_eq!(self.answered("\"PUT /"), count);
    }

    /// How many records of this kind the partition has.
    fn stored(&self, kind: &str) -> usize {
        let mut count = 0;
        loop {
            let page = format!(
                "offer {kind} default -s {count} -b {} -a offer.token",
                self.url
            );
            let page: Vec<Value> =
                serde_json::from_str(&self.folder.run(&page).good().out).unwrap();
            if page.is_empty() {
                return count;
            }
            count += page.len();
        }
    }

    fn summary(&self, run: &Run) -> Value {
        serde_json::from_str(&run.out).unwrap()
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn metadata(number: usize) -> Value {
    json!({"id": id(number), "partition": "default", "text": format!("tea {number}")})
}

fn offer(number: usize, metadata: usize) -> Value {
    json!({
        "id": id(number), "partition": "default", "metadataId": id(metadata),
        "minSendable": 1_000, "maxSendable": 2_000, "timestamp": "2026-01-01T00:00:00Z",
    })
}

/// `count` lines of which every tenth is metadata, in every form, each behind its first offer.
fn lines(count: usize) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let record = match number % 20 {
            9 => metadata(number),
            19 => json!({"metadata": metadata(number)}),
            _ => {
                let offer = offer(number, number - number % 10 + 9);
                if number % 2 == 0 {
                    offer
                } else {
                    json!({ "offer": offer })
                }
            }
        };
        lines.push_str(&format!("{record}\n"));
    }
    lines
}

#[test]
fn loads_a_file_in_any_order_and_says_nothing_on_standard_output() {
    let offers = Offers::start();
    offers.folder.write("a.ndjson", &lines(200));
    let run = offers.load("-i a.ndjson").good();
    assert_eq!(run.out, "");
    assert!(
        run.err.contains("200 created, 0 updated, 0 refused"),
        "{run:?}"
    );
    assert_eq!(
        (offers.stored("metadata get"), offers.stored("get")),
        (20, 180)
    );
    assert!(!offers.folder.path("a.ndjson.progress").exists());
    let again = offers.load("-i a.ndjson --quiet").good();
    assert_eq!((again.out.as_str(), again.err.as_str()), ("", ""));
    offers.assert_writes(400);
}

#[test]
fn lets_a_record_of_a_stream_wait_for_those_that_it_depends_on() {
    let offers = Offers::start();
    let mut text = String::new();
    for number in 0..100 {
        text.push_str(&format!(
            "{}\n{}\n",
            metadata(number),
            offer(number, number)
        ));
    }
    // The later line of one record wins.
    text.push_str(&metadata(0).to_string().replace("tea 0", "milk"));
    let run = offers
        .folder
        .run_with(&offers.arguments("--json -i -"), &text)
        .good();
    let summary = offers.summary(&run);
    assert_eq!(
        (&summary["created"], &summary["updated"]),
        (&json!(200), &json!(1))
    );
    let get = format!(
        "offer metadata get default {} -b {} -a offer.token",
        id(0),
        offers.url
    );
    let got = offers.folder.run(&get).good();
    assert!(got.out.contains("milk"), "{got:?}");
    let refused = offers.arguments("--journal j -i -");
    offers
        .folder
        .run_with(&refused, "")
        .bad(2, "--journal needs a file");
}

#[test]
fn goes_on_where_it_was_killed() {
    let offers = Offers::start();
    let count = 2_000;
    offers.folder.write("a.ndjson", &lines(count));
    let mut child = offers.spawn("-i a.ndjson");
    offers.wait_for_writes(count / 4);
    let second = offers.load("-i a.ndjson").bad(1, "another load is writing");
    assert!(second.err.contains("a.ndjson.progress"), "{second:?}");
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was over before it was killed");
    // What was on its way is answered or dropped by now: the service has no more of this load.
    offers.service.wait_until_quiet();
    let before = offers.answered("\"PUT /");
    assert!(before < count, "{before}");

    let run = offers.load("-i a.ndjson --json").good();
    let summary = offers.summary(&run);
    let earlier = summary["earlier"].as_u64().unwrap() as usize;
    offers.assert_writes(before + count - earlier);
    assert!(
        earlier + CONCURRENCY >= before,
        "{earlier} known of {before}"
    );
    assert_eq!(offers.stored("metadata get") + offers.stored("get"), count);
    assert!(!offers.folder.path("a.ndjson.progress").exists());
}

#[test]
fn finishes_what_is_under_way_at_a_signal_and_then_loses_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let offers = Offers::start();
        let count = 2_000;
        offers.folder.write("a.ndjson", &lines(count));
        let child = offers.spawn("-i a.ndjson");
        offers.wait_for_writes(count / 4);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let run = Run::of(child.wait_with_output().unwrap());
        let run = run.bad(1, "the same command sends only what is not loaded yet");
        assert!(run.err.contains("Stopped after "), "{run:?}");
        let summary = offers.summary(&offers.load("-i a.ndjson --json").good());
        let earlier = summary["earlier"].as_u64().unwrap() as usize;
        assert!(
            (count / 4..count).contains(&earlier),
            "{signal:?}: {summary}"
        );
        offers.assert_writes(count);
    }
}

#[test]
fn stops_reading_a_stream_that_says_nothing_at_a_signal() {
    let offers = Offers::start();
    let mut command = offers.folder.command(&offers.arguments("-i -"));
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", metadata(1)).unwrap();
    input.flush().unwrap();
    offers.wait_for_writes(1);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    run.bad(1, "stopped by SIGINT: what is loaded stays");
    drop(input);
}

#[test]
fn reports_what_was_refused_and_sends_that_alone_again() {
    let offers = Offers::start();
    let lone = offer(3, 77).to_string();
    let bad = format!("{lone}\n{{\"nonsense\"\n");
    let text = format!("{}\n\n{}\n{bad}{}\n", metadata(1), offer(1, 1), offer(2, 1));
    offers.folder.write("a.ndjson", &text);
    let run = offers.load("-i a.ndjson --refused bad.ndjson --json");
    let run = run.bad(1, "records were refused");
    let summary = offers.summary(&run);
    assert_eq!(
        (&summary["created"], &summary["refused"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(summary["refusals"][0]["line"], 4);
    let (unknown, broken) = run.err.split_once("line 5: is not JSON").unwrap();
    assert!(
        unknown.contains("line 4: ") && unknown.contains("metadata"),
        "{run:?}"
    );
    assert!(
        broken.contains("3 created, 0 updated, 2 refused"),
        "{run:?}"
    );
    let mut refused: Vec<_> = offers
        .folder
        .read("bad.ndjson")
        .lines()
        .map(str::to_owned)
        .collect();
    refused.sort();
    let mut expected: Vec<_> = bad.lines().map(str::to_owned).collect();
    expected.sort();
    assert_eq!(refused, expected);

    // Mended where it stands, only what changed or was refused is sent.
    let puts = 4;
    offers.assert_writes(puts);
    let mended = text.replace("{\"nonsense\"", &metadata(77).to_string());
    offers.folder.write("a.ndjson", &mended);
    let summary = offers.summary(&offers.load("-i a.ndjson --json").good());
    assert_eq!(
        (&summary["created"], &summary["earlier"]),
        (&json!(2), &json!(3))
    );
    offers.assert_writes(puts + 2);
    let everything = offers.load("-i a.ndjson --restart").good();
    assert!(
        everything.err.contains("0 created, 5 updated"),
        "{everything:?}"
    );

    offers
        .load("-i a.ndjson --refused ./a.ndjson")
        .bad(2, "--refused must be another file");
    assert_eq!(offers.folder.read("a.ndjson"), mended);
}

#[test]
fn lets_the_last_line_of_a_record_win_when_an_earlier_one_is_mended() {
    let offers = Offers::start();
    let text = |first: &str, last: &str| {
        let mut milk = metadata(2);
        milk["text"] = json!(last);
        format!("{first}\n{}\n{milk}\n", metadata(1))
    };
    let mut refused = metadata(2);
    refused["text"] = json!("");
    offers
        .folder
        .write("a.ndjson", &text(&refused.to_string(), "milk"));
    offers.load("-i a.ndjson").bad(1, "records were refused");
    offers.assert_writes(2);
    let journal = offers.folder.read("a.ndjson.progress");

    let mended = text(&metadata(2).to_string(), "milk");
    offers.folder.write("a.ndjson", &mended);
    let summary = offers.summary(&offers.load("-i a.ndjson --json").good());
    assert_eq!(
        (&summary["updated"], &summary["earlier"]),
        (&json!(2), &json!(1))
    );
    let get = format!(
        "offer metadata get default {} -b {} -a offer.token",
        id(2),
        offers.url
    );
    let got = offers.folder.run(&get).good();
    assert!(got.out.contains("milk"), "{got:?}");

    // A load that was killed between the two.
    let first = metadata(2).to_string();
    offers
        .folder
        .write("first.ndjson", &format!("{first}\n{{\n"));
    offers
        .load("-i first.ndjson")
        .bad(1, "records were refused");
    let between = offers.folder.read("first.ndjson.progress");
    let (_, entry) = between.split_once('\n').unwrap();
    offers
        .folder
        .write("a.ndjson.progress", &format!("{journal}{entry}"));
    let summary = offers.summary(&offers.load("-i a.ndjson --json").good());
    assert_eq!(
        (&summary["updated"], &summary["earlier"]),
        (&json!(1), &json!(2))
    );
    let got = offers.folder.run(&get).good();
    assert!(got.out.contains("milk"), "{got:?}");
}

#[test]
fn writes_over_no_file_that_is_something_else() {
    let offers = Offers::start();
    let text = format!("{}\n", metadata(1));
    offers.folder.write("a.ndjson", &text);
    let token = offers.folder.read("offer.token");
    for arguments in ["--journal offer.token", "--journal offer.token --restart"] {
        offers
            .load(&format!("-i a.ndjson {arguments}"))
            .bad(1, "is no journal");
        assert_eq!(offers.folder.read("offer.token"), token);
    }
    fs::hard_link(offers.folder.path("a.ndjson"), offers.folder.path("b")).unwrap();
    for (arguments, why) in [
        (
            "--journal a.ndjson",
            "--journal must be another file than --input",
        ),
        ("--journal b", "--journal must be another file than --input"),
        ("--refused b", "--refused must be another file than --input"),
        (
            "--refused new --journal ./new",
            "--refused must be another file than the journal",
        ),
        (
            "--refused ./a.ndjson.progress",
            "--refused must be another file than the journal",
        ),
    ] {
        offers.load(&format!("-i a.ndjson {arguments}")).bad(2, why);
        assert_eq!(offers.folder.read("a.ndjson"), text);
    }
    for made in ["new", "a.ndjson.progress"] {
        assert!(!offers.folder.path(made).exists(), "{made}");
    }
    offers.assert_writes(0);
}

#[test]
fn outlasts_a_restart_of_the_service() {
    let mut offers = Offers::start();
    let count = 600;
    offers.folder.write("a.ndjson", &lines(count));
    let child = offers.spawn("-i a.ndjson --json");
    offers.wait_for_writes(count / 4);
    offers.service.kill();
    assert!(
        offers.answered("\"PUT /") < count,
        "it was over before the service was"
    );
    offers.restart();
    let run = Run::of(child.wait_with_output().unwrap()).good();
    let summary = offers.summary(&run);
    let (created, updated) = (&summary["created"], &summary["updated"]);
    let written = created.as_u64().unwrap() + updated.as_u64().unwrap();
    assert_eq!(written, count as u64, "{summary}");
    assert!(
        offers.answered("\"PUT /") > 0,
        "the second service had nothing to do"
    );
    assert_eq!(offers.stored("metadata get") + offers.stored("get"), count);
}

#[test]
fn gives_up_on_a_service_that_stays_away_and_goes_on_later() {
    let mut offers = Offers::start();
    let count = 600;
    offers.folder.write("a.ndjson", &lines(count));
    let child = offers.spawn("-i a.ndjson --json --retry-for 0.5");
    offers.wait_for_writes(count / 4);
    offers.service.kill();
    let run = Run::of(child.wait_with_output().unwrap());
    let run = run.bad(1, "cannot be reached");
    let stopped = offers.summary(&run);
    assert_eq!(
        (&stopped["finished"], &stopped["refused"]),
        (&json!(false), &json!(0))
    );
    offers.load("-i a.ndjson").bad(1, "cannot be reached");
    offers.restart();
    let summary = offers.summary(&offers.load("-i a.ndjson --json").good());
    assert_eq!(summary["earlier"], stopped["created"]);
    assert_eq!(offers.stored("metadata get") + offers.stored("get"), count);
}

#[test]
fn blames_no_record_for_a_wrong_token() {
    let offers = Offers::start();
    offers.folder.write("a.ndjson", &lines(10));
    offers
        .folder
        .run("discovery token mint-all -p d.pem -k d.key -o d.token")
        .good();
    let load = format!("offer load -i a.ndjson -b {} -a d.token", offers.url);
    offers.folder.run(&load).bad(1, "refused the token");
    assert!(!offers.folder.path("a.ndjson.progress").exists());
}

/// 100,000 records in the whole size.
#[test]
fn needs_little_memory_for_many_records() {
    let is_long = std::env::var("SWITCHGEAR_LONG").is_ok_and(|long| long == "true");
    let count = if is_long { 100_000 } else { 2_000 };
    let offers = Offers::start();
    offers.folder.write("a.ndjson", &lines(count));
    let begin = Instant::now();
    let mut child = offers.spawn("-i a.ndjson --quiet");
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(PERIOD);
    }
    let run = Run::of(child.wait_with_output().unwrap()).good();
    assert_eq!(run.err, "");
    let server = peak(offers.service.id()).unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    println!("{count} records in {seconds:.1} s; peak MiB: server {server}, command {most}");
    assert!(server < 150, "{server} MiB");
    assert!(most > 0 && most < 100, "{most} MiB");
    offers.assert_writes(count);
}

/// A process's largest resident size so far, in MiB. `None` where the system does not tell.
fn peak(process: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes.div_ceil(1_024))
}
