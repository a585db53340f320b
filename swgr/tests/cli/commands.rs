//! Commands that ask no service, and wrong command lines, through the real binary.

use std::process::Stdio;

use crate::support::{Folder, Run};

#[test]
fn prints_backend_templates_that_are_disabled() {
    let folder = Folder::new();
    for (kind, wire) in [("cln-grpc", "clnGrpc"), ("lnd-grpc", "lndGrpc")] {
        let text = folder
            .run(&format!("discovery new {kind} -p us -p eu -n one"))
            .good()
            .out;
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["enabled"], false);
        assert_eq!(value["implementation"]["type"], wire);
        assert_eq!(value["partitions"], serde_json::json!(["eu", "us"]));
        let backend: switchgear_core::backend::Backend = serde_json::from_str(&text).unwrap();
        assert_eq!(
            backend.address.readable(),
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        );
    }
    let key = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
    folder
        .run(&format!("discovery new lnd-grpc {key} -o a.json"))
        .wrote("");
    assert!(folder.read("a.json").contains(key));
    folder
        .run("discovery new lnd-grpc 02ff")
        .bad(2, "66 hex digits");
}

#[test]
fn prints_offer_templates_that_are_payable() {
    let folder = Folder::new();
    let id = "88deff7e-ca45-4144-8fca-286a5a18fb1a";
    let text = folder.run(&format!("offer new -p us -m {id}")).good().out;
    let offer: switchgear_core::offer::Offer = serde_json::from_str(&text).unwrap();
    assert!(offer.validity.contains(chrono::Utc::now()));
    assert_eq!(offer.validity.expires(), None);
    assert_eq!(offer.sendable.min().msat(), 1_000);
    assert!(offer.sendable.max() > offer.sendable.min());
    assert_eq!(offer.metadata_id.to_string(), id);

    let text = folder.run("offer metadata new -p us -t tea").good().out;
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["partition"], &value["text"]),
        (&"us".into(), &"tea".into())
    );
}

#[test]
fn refuses_wrong_usage_with_code_2_and_says_what_is_right() {
    let folder = Folder::new();
    folder.run("").bad(2, "Usage");
    folder.run("servise").bad(2, "service");
    folder.run("service lnurl").bad(2, "--config");
    folder.run("service -c a.yaml lnrul").bad(2, "lnurl");
    folder
        .run("discovery get pk/12")
        .bad(2, "url/<base64url without padding>");
    folder.run("-l loud config check -c a").bad(2, "trace");
    let run = folder.run("discovery ls");
    run.bad(
        2,
        "--base-url is missing: give it, or set DISCOVERY_STORE_HTTP_BASE_URL",
    );
    let run = folder.run("offer get default -b http://127.0.0.1:1");
    run.bad(
        2,
        "--authorization-path is missing: give it, or set OFFER_STORE_HTTP_AUTHORIZATION",
    );
    let patch = "discovery patch url/aHR0cHM6Ly9h -b http://127.0.0.1:1 -a t";
    folder
        .run(&format!("{patch} --enable --disable"))
        .bad(2, "--disable");
    assert!(folder.run("-V").good().out.starts_with("swgr 0."));
}

#[test]
fn a3_a_bad_weight_is_wrong_usage() {
    let folder = Folder::new();
    let patch = "discovery patch url/aHR0cHM6Ly9h -b http://127.0.0.1:1 -a t";
    for weight in [
        "65536",
        "2147483648",
        "9223372036854775808",
        "-1",
        "1.5",
        "1e3",
        "\"1\"",
        "null",
        "NaN",
    ] {
        let run = folder.run(&format!("{patch} --weight={weight}"));
        let run = run.bad(2, "--weight");
        assert!(run.err.contains(weight), "{run:?}");
    }
    folder.run(&format!("{patch} --weight -1")).bad(2, "-1");
}

#[test]
fn refuses_a_bad_configuration_with_code_78_and_opens_nothing() {
    let folder = Folder::new();
    folder.write(
        "swgr.yaml",
        "offer-service:\n  adress: 127.0.0.1:0\n  auth-authority: no.pem\nstore: {offer: {type: database, database-url: 'sqlite://a.db'}}\n",
    );
    for command in ["service -c swgr.yaml offer", "config check -c swgr.yaml"] {
        let run = folder.run(command);
        let run = run.bad(
            78,
            "swgr.yaml:2:3: offer-service.adress: unknown key (hint: did you mean address?)",
        );
        assert!(
            run.err
                .contains("swgr.yaml:3:19: offer-service.auth-authority: no.pem cannot be read")
        );
        assert!(!run.err.contains("listens"), "{run:?}");
    }
    assert!(!folder.path("a.db").exists());
    folder
        .run("config check -c no.yaml")
        .bad(78, "reading configuration no.yaml");
    folder.write("swgr.yaml", "a: [");
    folder
        .run("config check -c swgr.yaml")
        .bad(78, "parsing YAML configuration swgr.yaml:");
}

#[test]
fn finds_a_configuration_good_and_says_for_what() {
    let folder = Folder::new();
    let text = "lnurl-service: {public-url: 'https://h', comment-allowed: $LENGTH}\nstore: {discover: {type: memory}, offer: {type: memory}}\n";
    let output = folder
        .command("config check -c -")
        .env("LENGTH", "7")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes())?;
            child.wait_with_output()
        })
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "- is good for: lnurl\n"
    );
}

#[test]
fn completes_and_explains_the_bulk_commands() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(&format!("completions {shell}")).good().out;
        for word in ["load", "retry-for", "migrate"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let help = folder.run("offer load --help").good().out;
    for part in [
        r#"{"offer": {"#,
        ".progress",
        "--refused <PATH>",
        "--restart",
    ] {
        assert!(help.contains(part), "{part}\n{help}");
    }
    let help = folder.run("store migrate --help").good().out;
    assert!(help.contains("--config <PATH>"), "{help}");
}

#[test]
fn ends_quietly_when_nobody_reads_on() {
    let folder = Folder::new();
    let mut child = folder
        .command("completions bash")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn fails_a_health_check_that_nobody_answers() {
    // The port is taken and never accepted from.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let run = Folder::new().run(&format!("health http://{address} --timeout 0.2"));
    run.bad(1, "no answer within 200ms");
    Folder::new()
        .run("health nonsense")
        .bad(2, "the URL is not a URL");
}

#[test]
fn refuses_a_bad_url_with_code_2_wherever_it_comes_from_and_never_repeats_it() {
    let folder = Folder::new();
    for (url, said) in [
        (
            "http://me:hunter2@127.0.0.1:1",
            "must not carry credentials",
        ),
        ("http://me:hunter2@127.0.0.1:port", "is not a URL"),
        ("ftp://me:hunter2@127.0.0.1", "must begin with https://"),
    ] {
        let variable = folder
            .command("offer get default -a t")
            .env("OFFER_STORE_HTTP_BASE_URL", url)
            .output()
            .unwrap();
        let runs = [
            ("the URL", folder.run(&format!("health {url}"))),
            (
                "--base-url",
                folder.run(&format!("discovery ls -a t -b {url}")),
            ),
            ("OFFER_STORE_HTTP_BASE_URL", Run::of(variable)),
        ];
        for (name, run) in runs {
            let run = run.bad(2, &format!("{name} {said}"));
            assert!(!run.err.contains("hunter2"), "{run:?}");
        }
    }
}

#[test]
fn reads_standard_input_for_one_argument_only() {
    let folder = Folder::new();
    let remote = "-b http://127.0.0.1:1";
    let location = "default 88deff7e-ca45-4144-8fca-286a5a18fb1a";
    for command in [
        "discovery token verify -p -".to_owned(),
        format!("discovery post {remote} -a -"),
        format!("discovery put url/aHR0cHM6Ly9h {remote} -a - -i -"),
        format!("discovery patch url/aHR0cHM6Ly9h {remote} -a -"),
        format!("discovery ls {remote} -a - -t -"),
        format!("offer post {remote} -a -"),
        format!("offer put {location} {remote} -a -"),
        format!("offer metadata post {remote} -a -"),
        format!("offer metadata put {location} {remote} -a -"),
    ] {
        folder
            .run_with(&command, "{}")
            .bad(2, "standard input is asked for twice");
    }
}
