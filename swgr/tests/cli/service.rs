//! The services through the real binary: registered by the CLI, paid by a wallet's requests, ended
//! by signals.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::support::{Folder, Run, Service, answer, ask, get, mode};

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// Keys, tokens and the ten lines that start everything.
fn folder(store: &str) -> Folder {
    let folder = Folder::new();
    for service in ["discovery", "offer"] {
        let files = format!("-p {service}.pem -k {service}.key -o {service}.token");
        folder
            .run(&format!("{service} token mint-all {files}"))
            .good();
        assert_eq!(mode(&folder.path(&format!("{service}.token"))), 0o600);
    }
    folder.write(
        "swgr.yaml",
        &format!(
            "\
lnurl-service:
  address: 127.0.0.1:0
  allowed-hosts: [127.0.0.1]
discovery-service: {{address: '127.0.0.1:0', auth-authority: discovery.pem}}
offer-service: {{address: '127.0.0.1:0', auth-authority: offer.pem}}
store:
  discover: {store}
  offer: {store}
"
        ),
    );
    folder
}

const SQLITE: &str = "{type: database, database-url: 'sqlite://swgr.db?mode=rwc'}";
const MEMORY: &str = "{type: memory}";

struct Running {
    folder: Folder,
    service: Service,
    discovery: String,
    offer: String,
    lnurl: String,
}

impl Running {
    fn start(store: &str) -> Self {
        Self::start_in(folder(store))
    }

    fn start_in(folder: Folder) -> Self {
        let mut service = Service::start(&folder, "service -c swgr.yaml");
        let discovery = service.url("discovery");
        let offer = service.url("offer");
        let lnurl = service.url("lnurl");
        Self {
            folder,
            service,
            discovery,
            offer,
            lnurl,
        }
    }

    fn discovery(&self, arguments: &str) -> Run {
        let remote = format!("-b {} -a discovery.token", self.discovery);
        self.folder.run(&format!("discovery {arguments} {remote}"))
    }

    fn offer(&self, arguments: &str) -> Run {
        let remote = format!("-b {} -a offer.token", self.offer);
        self.folder.run(&format!("offer {arguments} {remote}"))
    }

    /// The id of a new offer.
    fn payable_offer(&self) -> String {
        let metadata = self.folder.run("offer metadata new").good().out;
        self.folder.write("m.json", &metadata);
        self.offer("metadata post -i m.json").good();
        let id = |text: &str| -> String {
            let record: serde_json::Value = serde_json::from_str(text).unwrap();
            record["id"].as_str().unwrap().to_owned()
        };
        let new = format!("offer new -m {}", id(&metadata));
        let offer = self.folder.run(&new).good().out;
        self.folder.write("o.json", &offer);
        self.offer("post -i o.json").good();
        id(&offer)
    }

    /// Registers an LND node at `address`, enabled.
    fn register_node(&self, address: SocketAddr) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        self.folder.write("tls.cert", &certificate.pem());
        // Version 2, an identifier, no caveats, a signature.
        let macaroon = format!("\u{2}\u{2}\u{1}x\0\0\u{6}\u{20}{}", "s".repeat(32));
        self.folder.write("a.macaroon", &macaroon);
        let template = self.folder.run("discovery new lnd-grpc").good().out;
        let mut backend: serde_json::Value = serde_json::from_str(&template).unwrap();
        backend["enabled"] = true.into();
        backend["implementation"]["url"] = format!("https://{address}").into();
        let auth = &mut backend["implementation"]["auth"];
        auth["tlsCertPath"] = self.folder.path("tls.cert").to_str().into();
        auth["macaroonPath"] = self.folder.path("a.macaroon").to_str().into();
        self.folder.write("b.json", &backend.to_string());
        self.discovery("post -i b.json").good();
    }
}

#[test]
fn registers_changes_and_removes_a_backend() {
    let running = Running::start(SQLITE);
    let folder = &running.folder;
    assert_eq!(
        running.discovery("ls").good().out,
        "# Discovery Backends\n\n"
    );
    folder
        .run("discovery new lnd-grpc -n one -o b.json")
        .wrote("");
    let created = format!("Backend created: pk/{KEY}");
    running.discovery("post -i b.json").wrote(&created);
    let conflict = running.discovery("post -i b.json").bad(1, "Conflict. ");
    assert_eq!(conflict.out, "");
    running
        .discovery(&format!(
            "patch {KEY} --weight 9 --name two --partition us --partition eu"
        ))
        .wrote(&format!("Backend patched: pk/{KEY}"));
    running
        .discovery(&format!("enable pk/{KEY}"))
        .wrote(&format!("Backend enabled: pk/{KEY}"));
    assert_eq!(
        running.discovery("ls").good().out,
        format!(
            "# Discovery Backends\n\n## Address: {KEY}\n\n* name: two\n* location: pk/{KEY}\n\
             * enabled: true\n* weight: 9\n* partitions: eu, us\n\n"
        )
    );
    running
        .discovery(&format!("disable {KEY}"))
        .wrote(&format!("Backend disabled: pk/{KEY}"));

    // What GET gave can be put back.
    running
        .discovery(&format!("get {KEY} -o got.json"))
        .wrote("");
    assert!(
        folder
            .read("got.json")
            .contains(&format!("\"location\": \"pk/{KEY}\""))
    );
    running
        .discovery(&format!("put {KEY} -i got.json"))
        .wrote(&format!("Backend updated: pk/{KEY}"));
    folder.write(
        "wrong.json",
        &folder.read("got.json").replace("pk/", "url/"),
    );
    running
        .discovery(&format!("put {KEY} -i wrong.json"))
        .bad(1, "Invalid input: location");

    running
        .discovery(&format!("delete {KEY}"))
        .wrote(&format!("Backend deleted: pk/{KEY}"));
    for command in ["get", "enable", "delete", "patch --weight 1"] {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let run = running.discovery(&format!("{verb} {KEY} {rest}"));
        assert_eq!(run.bad(1, &format!("Backend not found: pk/{KEY}")).out, "");
    }
    running
        .discovery(&format!("put {KEY} -i got.json"))
        .wrote(&created);
    let json = running.discovery("ls --json").good().out;
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(listed[0]["location"], format!("pk/{KEY}"));
}

#[test]
fn a3_weights_over_the_command_line() {
    let running = Running::start(SQLITE);
    let folder = &running.folder;
    let template = folder.run("discovery new lnd-grpc").good().out;
    folder.write("b.json", &template);
    running.discovery("post -i b.json").good();
    let listed = || running.discovery(&format!("get {KEY}")).good().out;
    let before = listed();
    for weight in [
        "65536",
        "2147483648",
        "9223372036854775808",
        "-1",
        "1.5",
        "\"1\"",
    ] {
        // As an option, as a patch and as a whole backend.
        let option = format!("patch {KEY} --weight={weight}");
        running.discovery(&option).bad(2, "--weight");
        folder.write("p.json", &format!("{{\"weight\": {weight}}}"));
        let patch = format!("patch {KEY} -i p.json");
        running.discovery(&patch).bad(1, "Invalid input: ");
        let bad = template.replace("\"weight\": 1", &format!("\"weight\": {weight}"));
        assert_ne!(bad, template);
        folder.write("p.json", &bad);
        let put = format!("put {KEY} -i p.json");
        running.discovery(&put).bad(1, "Invalid input: ");
        assert_eq!(listed(), before, "{weight}");
    }
    for weight in ["0", "1", "65535"] {
        running
            .discovery(&format!("patch {KEY} --weight {weight}"))
            .good();
        let list = running.discovery("ls").good().out;
        assert!(list.contains(&format!("* weight: {weight}\n")), "{list}");
    }
}

#[test]
fn serves_an_offer_that_the_command_line_made() {
    for store in [SQLITE, MEMORY] {
        let running = Running::start(store);
        let folder = &running.folder;
        folder.run("offer metadata new -t tea -o m.json").wrote("");
        let metadata: serde_json::Value = serde_json::from_str(&folder.read("m.json")).unwrap();
        let metadata = metadata["id"].as_str().unwrap();
        folder
            .run(&format!("offer new -m {metadata} -o o.json"))
            .wrote("");
        let offer: serde_json::Value = serde_json::from_str(&folder.read("o.json")).unwrap();
        let offer = offer["id"].as_str().unwrap();

        let refused = running.offer("post -i o.json");
        refused.bad(1, "metadata");
        running
            .offer("metadata post -i m.json")
            .wrote(&format!("Metadata created: default/{metadata}"));
        running
            .offer("post -i o.json")
            .wrote(&format!("Offer created: default/{offer}"));
        running.offer("post -i o.json").bad(1, "Conflict. ");
        running
            .offer(&format!("put default {offer} -i o.json"))
            .wrote(&format!("Offer updated: default/{offer}"));

        let (status, body) = get(&running.lnurl, &format!("/offers/default/{offer}"));
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(r#"[[\"text/plain\",\"tea\"]]"#), "{body}");
        assert!(body.contains(&format!("{}/offers/default/{offer}/invoice", running.lnurl)));

        let page = running.offer("get default -s 0 -c 5").good().out;
        assert!(
            page.contains(&format!("\"location\": \"default/{offer}\"")),
            "{page}"
        );
        assert_eq!(running.offer("get default -s 1").good().out, "[]\n");
        running.offer("get default -c 101").bad(1, "100");
        running
            .offer(&format!("metadata delete default {metadata}"))
            .bad(1, "offer");
        running
            .offer(&format!("delete default {offer}"))
            .wrote(&format!("Offer deleted: default/{offer}"));
        running
            .offer(&format!("get default {offer}"))
            .bad(1, &format!("Offer not found: default/{offer}"));
        running
            .offer(&format!("delete default {offer}"))
            .bad(1, "Offer not found: ");
        let deleted = format!("Metadata deleted: default/{metadata}");
        running
            .offer(&format!("metadata delete default {metadata}"))
            .wrote(&deleted);
        assert_eq!(
            get(&running.lnurl, &format!("/offers/default/{offer}")).0,
            404
        );
    }
}

#[test]
fn prints_a_page_as_long_as_the_service_chooses() {
    let folder = folder(MEMORY);
    let text = folder.read("swgr.yaml");
    let short = "max-page-size: 2, auth-authority: offer.pem";
    folder.write(
        "swgr.yaml",
        &text.replace("auth-authority: offer.pem", short),
    );
    let running = Running::start_in(folder);
    let ids: Vec<_> = (0..3).map(|_| running.payable_offer()).collect();
    for records in ["", "metadata "] {
        let length = |options: &str| {
            let page = running.offer(&format!("{records}get default {options}"));
            let page: Vec<serde_json::Value> = serde_json::from_str(&page.good().out).unwrap();
            page.len()
        };
        assert_eq!((length(""), length("-s 2"), length("-c 1")), (2, 1, 1));
    }
    let page = running.offer("get default").good().out;
    assert!(page.contains(&ids[1]) && !page.contains(&ids[2]), "{page}");
    running.offer("get default -c 3").bad(1, "at most 2");
}

#[test]
fn refuses_the_token_of_another_service_and_takes_up_new_keys_without_a_restart() {
    let mut running = Running::start(MEMORY);
    let piped = format!("discovery ls -b {} -a -", running.discovery);
    let token = running.folder.read("discovery.token");
    running.folder.run_with(&piped, &token).good();
    let foreign = format!("discovery ls -b {} -a offer.token", running.discovery);
    running.folder.run(&foreign).bad(1, "refused the token");
    let rotate = "discovery token mint-all -p discovery.pem -k discovery.key -o new.token --force";
    running.folder.run(rotate).good();
    running.service.line_with("were taken up");
    let new = format!("discovery ls -b {} -a new.token", running.discovery);
    running.folder.run(&new).good();
    running.discovery("ls").bad(1, "refused the token");
}

#[test]
fn drains_on_a_signal_and_exits_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let running = Running::start(SQLITE);
        running
            .folder
            .run(&format!("health {}", running.lnurl))
            .good();
        running
            .folder
            .run(&format!("health {}/health/full", running.lnurl))
            .bad(1, "answered 500");
        running.service.signal(signal);
        let (code, log) = running.service.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("shutting down"), "{log}");
    }
}

#[test]
fn answers_a_request_in_flight_before_it_exits() {
    let folder = folder(MEMORY);
    let text = folder.read("swgr.yaml");
    let timeouts = "  ln-client-timeout-secs: 0.3\n  allowed";
    folder.write("swgr.yaml", &text.replace("  allowed", timeouts));
    let mut running = Running::start_in(folder);
    let offer = running.payable_offer();
    // A node whose port takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    running.register_node(silent.local_addr().unwrap());
    running.service.line_with("is unhealthy");

    let path = format!("/offers/default/{offer}/invoice?amount=1000");
    let mut request = ask(&running.lnurl, &path);
    // The request has asked the node once (whether its limit or that of the connection passed first),
    // and will again until its deadline.
    running.service.line_with("no invoice");
    running.service.signal(Signal::TERM);
    running.service.line_with("shutting down");
    request.set_nonblocking(true).unwrap();
    let early = request.peek(&mut [0]).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::WouldBlock);
    request.set_nonblocking(false).unwrap();

    let (status, body) = answer(&mut request);
    assert_eq!(status, 502, "{body}");
    assert!(body.contains(r#""status":"ERROR""#), "{body}");
    let (code, log) = running.service.end();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn loses_readiness_before_its_listeners_and_exits_at_once_on_a_second_signal() {
    let folder = folder(MEMORY);
    let text = folder.read("swgr.yaml");
    folder.write(
        "swgr.yaml",
        &text.replace("  allowed", "  shutdown-delay-secs: 600\n  allowed"),
    );
    let mut service = Service::start(&folder, "service -c swgr.yaml");
    let lnurl = service.url("lnurl");
    service.signal(Signal::TERM);
    service.line_with("shutting down");
    // The line is written before readiness goes; from then on it never comes back.
    let begin = Instant::now();
    while get(&lnurl, "/health/full").0 != 503 {
        assert!(begin.elapsed() < Duration::from_secs(10), "still ready");
    }
    assert_eq!(get(&lnurl, "/health").0, 200);
    service.signal(Signal::INT);
    let (code, log) = service.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("a second signal (SIGINT)"), "{log}");
}

#[test]
fn says_that_a_port_is_taken_and_touches_no_store() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = folder(SQLITE);
    let text = folder.read("swgr.yaml");
    folder.write(
        "swgr.yaml",
        &text.replacen("127.0.0.1:0", &address.to_string(), 1),
    );
    let run = folder.run("service -c swgr.yaml");
    let run = run.bad(
        1,
        &format!("the lnurl service cannot start: cannot listen on {address}"),
    );
    assert!(run.err.contains("in use"), "{run:?}");
    assert!(!folder.path("swgr.db").exists());
}

#[test]
fn names_a_store_that_cannot_be_opened() {
    let folder = folder("{type: database, database-url: 'sqlite:///nonexistent/swgr.db'}");
    folder
        .run("service -c swgr.yaml")
        .bad(1, "store.discover: ");
}

#[test]
fn writes_logs_by_time_level_and_target() {
    let mut running = Running::start(MEMORY);
    get(&running.lnurl, "/health");
    let line = running.service.line_with("GET /health");
    let mut words = line.split(' ');
    assert!(
        chrono::DateTime::parse_from_rfc3339(words.next().unwrap()).is_ok(),
        "{line}"
    );
    assert_eq!(words.next(), Some("INFO"));
    assert_eq!(words.next(), Some("clf::lnurl:"));
}
