//! The simulator as a program: what it prints, what it obeys, how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do, and clippy takes only #[test] for a test"
)]

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, Implementation},
    ln::{InvoiceRequest, LnClient},
    lnurl::PayMetadata,
};
use switchgear_ln::pool::{Connector as _, NodeConnector, NodeConnectorConfig};

/// A running simulator; killed if a test fails before it ends.
struct Simulator {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    told: Lines<BufReader<ChildStderr>>,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_simulator"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            told: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
        }
    }

    fn backend(&mut self) -> Backend {
        serde_json::from_str(&self.output.next().unwrap().unwrap()).unwrap()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Reads what it tells until a line holds `part`; the end of all lines fails the test.
    fn hears(&mut self, part: &str) -> String {
        let found = self.told.find(|line| line.as_ref().unwrap().contains(part));
        found
            .unwrap_or_else(|| panic!("it never told {part:?}"))
            .unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::new(21_001),
        metadata: PayMetadata::from_served(r#"[["text/plain","coffee"]]"#),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

#[tokio::test]
async fn runs_nodes_of_both_kinds_that_obey() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    let arguments = ["--lnd", "1", "--cln", "1", "--directory", directory];
    let mut simulator = Simulator::start(&arguments);
    let nodes = NodeConnector::new(NodeConnectorConfig {
        timeout: Duration::from_secs(2),
    });
    let [lnd, cln] = [simulator.backend(), simulator.backend()];
    assert!(matches!(lnd.implementation, Implementation::LndGrpc(_)));
    assert!(matches!(cln.implementation, Implementation::ClnGrpc(_)));
    let clients = [nodes.connect(&lnd), nodes.connect(&cln)];
    for client in &clients {
        client.invoice(&request()).await.unwrap();
    }

    simulator.say("n1 starting");
    simulator.say("n2 shutting-down");
    simulator.hears("n2: RpcError");
    for (client, words) in clients
        .iter()
        .zip(["the node is starting up", "the node is shutting down"])
    {
        let error = client.invoice(&request()).await.unwrap_err();
        assert!(error.to_string().starts_with(words), "{error}");
    }
    simulator.say("all heal");
    simulator.hears("n2: well");
    for client in &clients {
        client.invoice(&request()).await.unwrap();
    }
    simulator.say("list");
    let line = simulator.hears("n1 Lnd");
    assert!(line.ends_with("2 invoices, status 1"), "{line}");

    simulator.say("n3 freeze");
    let line = simulator.hears("n3");
    assert_eq!(line, "n3 freeze: there is no node n3, but n1, n2");
    simulator.say("n1 explode");
    simulator.hears("there is no fault \"explode\"; write help");
    simulator.say("quit");
    assert!(simulator.child.wait().unwrap().success());
}

#[test]
fn tells_of_each_node_whether_it_could() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut simulator = Simulator::start(&["--lnd", "2", "--cln", "1", "--directory", path]);
    simulator.hears("up: n1, n2, n3;");
    std::fs::remove_dir_all(directory.path().join("n1")).unwrap();
    simulator.say("all rotate-macaroon");
    simulator.hears("n1: cannot: ");
    simulator.hears("n2: has a new macaroon");
    simulator.hears("n3: cannot: Core Lightning knows no macaroons");
    simulator.say("quit");
    assert!(simulator.child.wait().unwrap().success());
}

#[test]
fn obeys_after_a_line_that_is_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut simulator = Simulator::start(&["--directory", path]);
    simulator.input.write_all(b"n1 \xff\n").unwrap();
    simulator.hears("there is no fault \"\u{fffd}\"");
    simulator.say("n1 freeze");
    simulator.hears("n1: Freeze");
    simulator.say("quit");
    assert!(simulator.child.wait().unwrap().success());
}

#[tokio::test]
async fn plays_a_script_without_any_input() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("faults.txt");
    std::fs::write(
        &script,
        "# twice\n+20ms n1 freeze\n+20ms all heal\n+0ms quit\n",
    )
    .unwrap();
    let path = directory.path().to_str().unwrap();
    let arguments = ["--directory", path, "--script", script.to_str().unwrap()];
    let mut simulator = Simulator::start(&arguments);
    simulator.hears("n1: Freeze");
    simulator.hears("n1: well");
    assert!(simulator.child.wait().unwrap().success());
}

#[test]
fn ends_cleanly_at_an_interrupt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut simulator = Simulator::start(&["--directory", path]);
    simulator.hears("up: n1;");
    // The standard library has no call that sends a signal.
    let id = simulator.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    assert!(simulator.child.wait().unwrap().success());
}

#[test]
fn says_what_to_do_about_mistakes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let script = directory.path().join("faults.txt");
    std::fs::write(&script, "+1s n1 explode").unwrap();
    let script = script.to_str().unwrap();
    for (arguments, words) in [
        (
            &["--lnd", "0", "--directory", path][..],
            "give --lnd or --cln a number",
        ),
        (
            &["--directory", path, "--script", script],
            "line 1: there is no fault",
        ),
        (
            &["--directory", path, "--lnd", "2", "--base-port", "65535"],
            "choose a lower --base-port",
        ),
        (&["--lnd", "1"], "--directory"),
    ] {
        let mut simulator = Simulator::start(arguments);
        simulator.hears(words);
        assert!(!simulator.child.wait().unwrap().success(), "{arguments:?}");
    }
}
