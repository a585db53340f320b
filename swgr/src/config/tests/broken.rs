use super::*;

/// A key of `lnurl-service` in line 2, and what is said of it.
const LNURL: &[(&str, &str)] = &[
    (
        "adress: 127.0.0.1:1",
        "2:3: lnurl-service.adress: unknown key (hint: did you mean address?)",
    ),
    (
        "health_check_frequency_secs: 1",
        "2:3: lnurl-service.health_check_frequency_secs: unknown key (hint: did you mean health-check-frequency-secs?)",
    ),
    ("zzz: 1", "2:3: lnurl-service.zzz: unknown key"),
    (
        "address: localhost:8080",
        "2:12: lnurl-service.address: must be an IP address and a port such as 127.0.0.1:8080, not `localhost:8080`",
    ),
    (
        "address: 8080",
        "2:12: lnurl-service.address: must be an IP address and a port such as 127.0.0.1:8080, not `8080`",
    ),
    (
        "address: 127.0.0.1:65536",
        "2:12: lnurl-service.address: must be an IP address and a port such as 127.0.0.1:8080, not `127.0.0.1:65536`",
    ),
    (
        "address: [127.0.0.1:1]",
        "2:12: lnurl-service.address: must be a single value",
    ),
    (
        "partitions: []",
        "2:15: lnurl-service.partitions: must name at least one partition (hint: leave it out for `default`)",
    ),
    (
        "partitions: ['a b']",
        "2:16: lnurl-service.partitions: must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-', not `a b`",
    ),
    (
        "partitions: {a: b}",
        "2:15: lnurl-service.partitions: must be a list",
    ),
    (
        "health-check-frequency-secs: 0",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `0`",
    ),
    (
        "health-check-frequency-secs: -1.5",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `-1.5`",
    ),
    (
        "health-check-frequency-secs: .nan",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `.nan`",
    ),
    (
        "health-check-frequency-secs: NaN",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `NaN`",
    ),
    (
        "health-check-frequency-secs: 1e400",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `1e400`",
    ),
    (
        "health-check-frequency-secs: 1 s",
        "2:32: lnurl-service.health-check-frequency-secs: must be a number of seconds above 0 and at most 86400, not `1 s`",
    ),
    (
        "parallel-health-check: yes",
        "2:26: lnurl-service.parallel-health-check: must be true or false, not `yes`",
    ),
    (
        "health-check-consecutive-success-to-healthy: 0",
        "2:48: lnurl-service.health-check-consecutive-success-to-healthy: must be a whole number from 1 to 1000000, not `0`",
    ),
    (
        "health-check-consecutive-failure-to-unhealthy: 1.5",
        "2:50: lnurl-service.health-check-consecutive-failure-to-unhealthy: must be a whole number from 1 to 1000000, not `1.5`",
    ),
    (
        "invoice-expiry-secs: 0",
        "2:24: lnurl-service.invoice-expiry-secs: must be a whole number from 1 to 31536000, not `0`",
    ),
    (
        "invoice-expiry-secs: 0x10",
        "2:24: lnurl-service.invoice-expiry-secs: must be a whole number from 1 to 31536000, not `0x10`",
    ),
    (
        "bech32-qr-light: 256",
        "2:20: lnurl-service.bech32-qr-light: must be a whole number from 0 to 255, not `256`",
    ),
    (
        "bech32-qr-scale: 0",
        "2:20: lnurl-service.bech32-qr-scale: must be a whole number from 1 to 64, not `0`",
    ),
    (
        "bech32-qr-light: 0",
        "2:20: lnurl-service.bech32-qr-light: must differ from bech32-qr-dark, or nobody can read the code",
    ),
    (
        "comment-allowed: 64,,",
        "2:20: lnurl-service.comment-allowed: must be a whole number from 0 to 10000, not `64,,`",
    ),
    (
        "comment-allowed: '64,'",
        "2:20: lnurl-service.comment-allowed: must be a whole number from 0 to 10000, not `64,`",
    ),
    (
        "network: mainet",
        "2:12: lnurl-service.network: must be bitcoin, testnet, signet or regtest, not `mainet`",
    ),
    (
        "public-url: pay.example.com",
        "2:15: lnurl-service.public-url: is not a URL: relative URL without a base",
    ),
    (
        "public-url: 'ftp://pay.example.com'",
        "2:15: lnurl-service.public-url: must begin with https:// or http://",
    ),
    (
        "public-url: 'https://u:p@pay.example.com'",
        "2:15: lnurl-service.public-url: must not carry credentials",
    ),
    (
        "public-url: 'https://pay.example.com/?a=b'",
        "2:15: lnurl-service.public-url: must end with its path, without `?` and `#`",
    ),
    (
        "backoff: stop",
        "2:12: lnurl-service.backoff: must be a mapping of keys",
    ),
    (
        "backoff: {type: linear}",
        "2:19: lnurl-service.backoff.type: must be one of exponential, stop, not `linear`",
    ),
    (
        "backoff: {multiplier: 0.5}",
        "2:25: lnurl-service.backoff.multiplier: must be a number from 1 to 1000, not `0.5`",
    ),
    (
        "backoff: {randomization-factor: 1.1}",
        "2:35: lnurl-service.backoff.randomization-factor: must be a number from 0 to 1, not `1.1`",
    ),
    (
        "backoff: {initial-interval-secs: 9, max-interval-secs: 8}",
        "2:58: lnurl-service.backoff.max-interval-secs: must not be below initial-interval-secs",
    ),
    (
        "backoff: {max-elapsed-secs: 8}",
        "2:13: lnurl-service.backoff.max-elapsed-secs: unknown key (hint: did you mean max-elapsed-time-secs?)",
    ),
    (
        "backend-selection: roundrobin",
        "2:22: lnurl-service.backend-selection: must be one of round-robin, random, consistent, adaptive, not `roundrobin` (hint: did you mean round-robin?)",
    ),
    (
        "backend-selection: {type: adaptiv, max-iterations: 9}",
        "2:29: lnurl-service.backend-selection.type: must be one of round-robin, random, consistent, adaptive, not `adaptiv` (hint: did you mean adaptive?)",
    ),
    (
        "backend-selection: {consistant: {max_iterations: 9}}",
        "2:23: lnurl-service.backend-selection: must be one of round-robin, random, consistent, adaptive, not `consistant` (hint: did you mean consistent?)",
    ),
    (
        "backend-selection: {max-iterations: 9}",
        "2:22: lnurl-service.backend-selection.type: is missing and has no default (hint: one of round-robin, random, consistent, adaptive)",
    ),
    (
        "backend-selection: {type: consistent, max-iteration: 9}",
        "2:41: lnurl-service.backend-selection.max-iteration: unknown key (hint: did you mean max-iterations?)",
    ),
    (
        "backend-selection: {consistent: {load_facto: 9}}",
        "2:36: lnurl-service.backend-selection.consistent.load_facto: unknown key (hint: did you mean load-factor?)",
    ),
    (
        "backend-selection: {type: random, max-iterations: 9}",
        "2:37: lnurl-service.backend-selection.max-iterations: unknown key",
    ),
    (
        "backend-selection: {type: consistent, max-iterations: 0}",
        "2:57: lnurl-service.backend-selection.max-iterations: must be a whole number from 1 to 4294967295, not `0`",
    ),
    (
        "backend-selection: {consistent: {max_iterations: 1.5}}",
        "2:52: lnurl-service.backend-selection.consistent.max_iterations: must be a whole number from 1 to 4294967295, not `1.5`",
    ),
    (
        "backend-selection: {type: consistent, load-factor: 0.9}",
        "2:54: lnurl-service.backend-selection.load-factor: must be a number from 1 to 1000, not `0.9`",
    ),
    (
        "backend-selection: {type: consistent, load-factor: NaN}",
        "2:54: lnurl-service.backend-selection.load-factor: must be a number from 1 to 1000, not `NaN`",
    ),
    (
        "backend-selection: [random]",
        "2:22: lnurl-service.backend-selection: must be a strategy, not a list",
    ),
    (
        "selection-capacity-bias: x",
        "2:28: lnurl-service.selection-capacity-bias: must be a number from -1 to 100, not `x`",
    ),
    (
        "selection-capacity-bias: -1.01",
        "2:28: lnurl-service.selection-capacity-bias: must be a number from -1 to 100, not `-1.01`",
    ),
    (
        "selection-capacity-bias: 100.5",
        "2:28: lnurl-service.selection-capacity-bias: must be a number from -1 to 100, not `100.5`",
    ),
    (
        "selection-capacity-bias: inf",
        "2:28: lnurl-service.selection-capacity-bias: must be a number from -1 to 100, not `inf`",
    ),
    (
        "selection-capacity-bias: [0]",
        "2:28: lnurl-service.selection-capacity-bias: must be a single value",
    ),
    (
        "trusted-proxies: [10.0.0.0/33]",
        "2:21: lnurl-service.trusted-proxies: must be a network such as 10.0.0.0/8 or fd00::/8, or an address, not `10.0.0.0/33`",
    ),
    (
        "log-file: lnurl.log",
        "2:13: lnurl-service.log-file: a log file per service is not supported by this version (hint: leave it out: every service logs to standard error)",
    ),
    (
        "limits: {headers: 0}",
        "2:21: lnurl-service.limits.headers: must be a whole number from 1 to 1000, not `0`",
    ),
    (
        "limits: {conections: 1}",
        "2:12: lnurl-service.limits.conections: unknown key (hint: did you mean connections?)",
    ),
    (
        "tls: {key-path: k.pem}",
        "2:3: lnurl-service.tls.cert-path: is missing and has no default (hint: the path of a PEM file of certificates)",
    ),
    (
        "invoice-expiry-secs: $UNSET",
        "2:24: lnurl-service.invoice-expiry-secs: the environment variable UNSET is not set (hint: set it, or give a default: ${UNSET:-default})",
    ),
    (
        "invoice-expiry-secs: ${UNSET",
        "2:24: lnurl-service.invoice-expiry-secs: `${` is not closed (hint: close it with `}`, or write $$ for a dollar sign)",
    ),
];

#[test]
fn tells_line_key_and_hint_of_each_mistake_in_the_lnurl_section() {
    for (line, expected) in LNURL {
        let text = GOOD.replace("  allowed-hosts", &format!("  {line}\n  allowed-hosts"));
        assert_eq!(errors(&text), [format!("swgr.yaml:{expected}")], "{line}");
    }
}

/// A replacement in the good file, and what is said of it.
const REPLACED: &[(&str, &str, &str)] = &[
    (
        "[pay.example.com]",
        "[]",
        "2:18: lnurl-service.allowed-hosts: names no host, and there is no public-url: callbacks would have no address (hint: name the hosts that wallets use, or set public-url)",
    ),
    (
        "[pay.example.com]",
        "['', ' ']",
        "2:18: lnurl-service.allowed-hosts: names no host, and there is no public-url: callbacks would have no address (hint: name the hosts that wallets use, or set public-url)",
    ),
    (
        "[pay.example.com]",
        "${EMPTY}",
        "2:18: lnurl-service.allowed-hosts: names no host, and there is no public-url: callbacks would have no address (hint: name the hosts that wallets use, or set public-url)",
    ),
    (
        "[pay.example.com]",
        "['https://pay.example.com']",
        "2:19: lnurl-service.allowed-hosts: must be a host such as pay.example.com or pay.example.com:8443, not `https://pay.example.com`",
    ),
    (
        "  auth-authority: offer.pem",
        "  max-page-size: 5",
        "5:1: offer-service.auth-authority: is missing and has no default (hint: the path of a public key that `swgr … token key` wrote)",
    ),
    (
        "  auth-authority: discovery.pem",
        "  auth-authority:",
        "3:1: discovery-service.auth-authority: is missing and has no default (hint: the path of a public key that `swgr … token key` wrote)",
    ),
    (
        "discovery.pem",
        "discovery.pem\n  max-page-size: 5",
        "5:3: discovery-service.max-page-size: unknown key",
    ),
    (
        "offer.pem",
        "offer.pem\n  max-page-size: 0",
        "7:18: offer-service.max-page-size: must be a whole number from 1 to 10000, not `0`",
    ),
    (
        "offer.pem",
        "offer.pem\n  auth-authority: again.pem",
        "7:3: offer-service.auth-authority: the key stands twice, first in line 6 (hint: keep one of the two)",
    ),
    (
        "  offer: {type: memory}\n",
        "",
        "7:1: store.offer: is missing and has no default (hint: its type is one of database, http, memory)",
    ),
    (
        "discover: {type: memory}",
        "discovery: {type: memory}",
        "8:3: store.discovery: unknown key (hint: did you mean discover?)",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: file}",
        "9:17: store.offer.type: must be one of database, http, memory, not `file`",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: databse}",
        "9:17: store.offer.type: must be one of database, http, memory, not `databse` (hint: did you mean database?)",
    ),
    (
        "offer: {type: memory}",
        "offer: {}",
        "9:3: store.offer.type: is missing and has no default (hint: one of database, http, memory)",
    ),
    (
        "offer: {type: memory}",
        "offer: memory",
        "9:10: store.offer: must be a mapping of keys",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: memory, path: x}",
        "9:25: store.offer.path: unknown key",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database}",
        "9:3: store.offer.database-url: is missing and has no default (hint: sqlite:///path/to/file.db?mode=rwc for example)",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'mysql://u:hunter2@h'}",
        "9:41: store.offer.database-url: the database URL must look like mysql://user:password@host:3306/database, with the reserved letters of a password percent-encoded",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'mariadb://h/d?ssl-mode=maybe'}",
        "9:41: store.offer.database-url: ssl-mode in the database URL must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'postgres://u:hunter2@h:x/d'}",
        "9:41: store.offer.database-url: the database URL's host and port cannot be read: write host:port, an IPv6 address in brackets, and %40, %2F and %3A for @, / and : in a password",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'postgresql://u:hunter2@h/d?sslmode=maybe'}",
        "9:41: store.offer.database-url: the database URL's option sslmode must be disable, allow, prefer, require, verify-ca or verify-full",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: a.db}",
        "9:41: store.offer.database-url: must begin with sqlite:, postgres:// or mysql://, as in sqlite:///path/to/file.db?mode=rwc",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'sqlite://'}",
        "9:41: store.offer.database-url: must name a file, as in sqlite:///path/to/file.db?mode=rwc",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'sqlite:?mode=rwc'}",
        "9:41: store.offer.database-url: must name a file, as in sqlite:///path/to/file.db?mode=rwc",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'sqlite:a', database-uri: 'sqlite:b'}",
        "9:53: store.offer.database-uri: means the same as database-url in line 9 (hint: keep one of the two)",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: database, database-url: 'sqlite:a', max-connections: 0}",
        "9:70: store.offer.max-connections: must be a whole number from 1 to 1000, not `0`",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: http, authorization: t}",
        "9:3: store.offer.base-url: is missing and has no default (hint: the URL of the remote service)",
    ),
    (
        "offer: {type: memory}",
        "offer: {type: http, base-url: 'http://h'}",
        "9:3: store.offer.authorization: is missing and has no default (hint: the path of a token that `swgr … token mint` wrote)",
    ),
    (
        "store:",
        "log-format: json\nstore:",
        "7:13: log-format: `json` is not supported by this version (hint: use text)",
    ),
    (
        "store:",
        "log-format: xml\nstore:",
        "7:13: log-format: must be one of text, json, not `xml`",
    ),
    (
        "store:",
        "shutdown-timeout-secs: -1\nstore:",
        "7:24: shutdown-timeout-secs: must be a number of seconds from 0 to 86400, not `-1`",
    ),
    (
        "store:",
        "stores: {}\nstore:",
        "7:1: stores: unknown key (hint: did you mean store?)",
    ),
    (
        "store:",
        "x: &a 1\nstore:",
        "7:4: x: anchors and aliases are not supported (hint: write the value out, or use a variable)",
    ),
    (
        "store:",
        "---\nstore:",
        "7:1: a second document begins here (hint: keep one document)",
    ),
];

#[test]
fn tells_line_key_and_hint_of_each_mistake_elsewhere() {
    for (from, to, expected) in REPLACED {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let errors = errors(&text);
        let expected = format!("swgr.yaml:{expected}");
        assert!(errors.contains(&expected), "{to}\n{errors:#?}\n{expected}");
    }
}

#[test]
fn tells_all_mistakes_at_once_in_the_order_of_the_file() {
    let text = "\
lnurl-service:
  adress: 1
  invoice-expiry-secs: x
offer-service:
  address: y
store: {}
";
    let errors = errors(text);
    let places: Vec<_> = errors
        .iter()
        .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "swgr.yaml:1:1 discovery-service",
            "swgr.yaml:1:1 lnurl-service.allowed-hosts",
            "swgr.yaml:2:3 lnurl-service.adress",
            "swgr.yaml:3:24 lnurl-service.invoice-expiry-secs",
            "swgr.yaml:4:1 offer-service.auth-authority",
            "swgr.yaml:5:12 offer-service.address",
            "swgr.yaml:6:1 store.discover",
            "swgr.yaml:6:1 store.offer",
        ]
    );
}

#[test]
fn refuses_a_started_service_without_its_section_and_an_empty_file() {
    let text = GOOD.replace("offer-service:\n  auth-authority: offer.pem\n", "");
    assert_eq!(
        errors(&text),
        [
            "swgr.yaml:1:1: offer-service: is missing and has no default (hint: the offer service is \
             to be started)"
        ]
    );
    for text in ["", "# nothing\n", "---\n"] {
        assert_eq!(
            errors(text).len(),
            4,
            "three sections and the store: {text:?}"
        );
    }
    let error = Config::parse(Path::new("swgr.yaml"), "", &Scope::Present, &env).unwrap_err();
    assert!(
        error.to_string().contains("no section for any service"),
        "{error}"
    );
}

#[test]
fn refuses_two_services_on_one_address() {
    for address in ["127.0.0.1:8082", "0.0.0.0:8082"] {
        let text = GOOD.replace(
            "  allowed-hosts",
            &format!("  address: {address}\n  allowed-hosts"),
        );
        assert_eq!(
            errors(&text),
            [format!(
                "swgr.yaml:6:1: offer-service.address: {address} is also the address of \
                 lnurl-service (hint: give each service a port of its own)"
            )]
        );
    }
    let free = "  address: 127.0.0.1:0\n";
    let text = GOOD
        .replace("  allowed-hosts", &format!("{free}  allowed-hosts"))
        .replace("offer-service:\n", &format!("offer-service:\n{free}"));
    assert!(errors(&text).is_empty(), "the kernel chooses two ports");
}

#[test]
fn says_where_a_file_stops_being_yaml() {
    for (text, place) in [
        ("lnurl-service: [", "swgr.yaml:"),
        ("a: b: c", "swgr.yaml:1:"),
        ("a: 'b", "swgr.yaml:"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(error, ConfigError::NotYaml { .. }),
            "{text}: {error:?}"
        );
        let expected = format!("parsing YAML configuration {place}");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn compares_listen_addresses_within_their_family() {
    for (one, other, clashes) in [
        ("127.0.0.1:80", "127.0.0.2:80", false),
        ("0.0.0.0:80", "127.0.0.1:80", true),
        ("0.0.0.0:80", "[::1]:80", false),
        ("127.0.0.1:80", "[::1]:80", false),
        ("127.0.0.1:80", "[::ffff:127.0.0.1]:80", true),
        ("[::1]:80", "[::2]:80", false),
        // The wildcard of IPv6 takes the port of IPv4 too.
        ("[::]:80", "[::1]:80", true),
        ("[::]:80", "127.0.0.1:80", true),
        ("[::]:80", "0.0.0.0:80", true),
        ("[::]:80", "127.0.0.1:81", false),
        ("[::]:0", "[::]:0", false),
    ] {
        let (first, second) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(clash(first, second), clashes, "{one} {other}");
        assert_eq!(clash(second, first), clashes, "{other} {one}");
    }
}
