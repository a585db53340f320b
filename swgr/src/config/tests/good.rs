use std::num::NonZeroU32;

use switchgear_core::balance::{CapacityBias, LoadFactor};
use switchgear_http::client::TrustedProxies;

use super::*;

/// The sample of the manual, section by section.
const MANUAL: &str = include_str!("manual.yaml");

#[test]
fn loads_the_manuals_sample() {
    let config = good(MANUAL);
    assert_eq!(
        lines(Path::new("swgr.yaml"), &config.warnings),
        "swgr.yaml:41:20: lnurl-service.comment_allowed: there is a stray comma behind the number"
    );
    let lnurl = config.lnurl.unwrap();
    assert_eq!(lnurl.comment.unwrap().characters(), 64);
    assert_eq!(lnurl.balance.deadline, Duration::from_secs(300));
    assert_eq!(lnurl.balance.selection, Selection::RoundRobin);
    let bias = lnurl.balance.capacity_bias.unwrap();
    assert_eq!(bias, CapacityBias::try_new(-0.2).unwrap());
    assert_eq!(lnurl.allowed_hosts, ["lnurl.example.com"]);
    let tls = lnurl.listener.tls.unwrap();
    assert_eq!(tls.cert_path, Path::new("/etc/ssl/certs/lnurl-cert.pem"));
    assert_eq!(config.offer.unwrap().max_page_size, 100);
    let Some(StoreSection::Http(http)) = config.stores.discover else {
        panic!("{:?}", config.stores);
    };
    assert_eq!(http.trusted_roots, [Path::new("/etc/ssl/certs/ca.pem")]);
}

#[test]
fn gives_every_key_its_default() {
    let config = good(GOOD);
    let lnurl = config.lnurl.unwrap();
    assert_eq!(lnurl.listener.address, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(lnurl.listener.tls, None);
    assert_eq!(lnurl.listener.limits, LimitsSection::default());
    assert_eq!(lnurl.invoice_expiry, Duration::from_secs(180));
    assert_eq!(lnurl.cache_ttl, Duration::from_secs(1));
    assert_eq!(lnurl.comment, None);
    assert!(lnurl.trusted_proxies.is_empty());
    assert_eq!(lnurl.balance.deadline, Duration::from_secs(5));
    assert_eq!(lnurl.balance.invoice_timeout, Duration::from_secs(2));
    assert_eq!(lnurl.balance.hedge_after, None);
    assert!(!lnurl.balance.system_roots);
    assert_eq!(lnurl.balance.selection, Selection::RoundRobin);
    assert_eq!(lnurl.balance.capacity_bias, None);
    assert_eq!(
        lnurl.qr,
        QrSection {
            scale: 8,
            light: 255,
            dark: 0
        }
    );
    assert_eq!(config.discovery.unwrap().listener.address.port(), 8081);
    assert_eq!(config.offer.unwrap().listener.address.port(), 8082);
    assert_eq!(config.shutdown_timeout, Duration::from_secs(30));
    assert!(config.warnings.is_empty());
}

#[test]
fn reads_expanded_and_quoted_scalars_as_their_keys_type() {
    let text = GOOD.replace(
        "allowed-hosts: [pay.example.com]",
        "address: $ADDRESS\n  allowed-hosts: ${HOSTS}\n  bech32-qr-scale: \"${SCALE}\"\n  \
         verify-invoices: 'false' # ${UNSET} in a comment\n  ln-client-timeout-secs: '${UNSET:-0.5}'\n  \
         ln-system-roots: \"true\"\n  public-url: ${EMPTY}\n  cache-ttl-secs: 0",
    );
    let lnurl = good(&text).lnurl.unwrap();
    assert_eq!(lnurl.listener.address.port(), 9090);
    assert_eq!(lnurl.allowed_hosts, ["a.example.com", "b.example.com:8443"]);
    assert_eq!(lnurl.qr.scale, 4);
    assert!(!lnurl.balance.verify_invoices);
    assert!(lnurl.balance.system_roots);
    assert_eq!(lnurl.balance.client_timeout, Duration::from_millis(500));
    assert_eq!(lnurl.balance.invoice_timeout, Duration::from_millis(500));
    assert_eq!(lnurl.public_url, None);
    assert_eq!(lnurl.cache_ttl, Duration::ZERO);
}

#[test]
fn reads_trusted_proxies_as_a_list_or_as_comma_separated_text() {
    let proxies = TrustedProxies::try_new(["10.0.0.0/8", "::1"]).unwrap();
    for text in [
        "[10.0.0.0/8, '::1']",
        "10.0.0.0/8, ::1",
        "\"10.0.0.0/8,::1,\"",
    ] {
        let line = format!("trusted-proxies: {text}\n  allowed-hosts:");
        let config = good(&GOOD.replace("allowed-hosts:", &line));
        assert_eq!(config.lnurl.unwrap().trusted_proxies, proxies, "{text}");
    }
}

#[test]
fn never_takes_structure_from_a_value() {
    let text = GOOD.replace(
        "allowed-hosts:",
        "parallel-health-check: $COMMENTS\n  allowed-hosts:",
    );
    let errors = errors(&text);
    assert_eq!(errors.len(), 2, "a value of two lines: {errors:?}");
    assert!(errors[0].contains("must be true or false"), "{errors:?}");
}

#[test]
fn reads_both_spellings() {
    for (one, other) in [
        ("comment-allowed: 9", "comment_allowed: 9"),
        (
            "backend-selection: {type: consistent, max-iterations: 9, load-factor: 2}",
            "backend-selection: {consistent: {max_iterations: 9, load_factor: 2.0}}",
        ),
    ] {
        let with =
            |line: &str| good(&GOOD.replace("allowed-hosts", &format!("{line}\n  allowed-hosts")));
        let (one, other) = (with(one).lnurl.unwrap(), with(other).lnurl.unwrap());
        assert_eq!(one.comment, other.comment);
        assert_eq!(one.balance, other.balance);
    }
    for key in ["database-url", "database-uri"] {
        let store = format!("{{type: database, {key}: 'sqlite:///tmp/a.db'}}");
        let config = good(&GOOD.replacen("{type: memory}", &store, 1));
        let Some(StoreSection::Database(database)) = config.stores.discover else {
            panic!("{:?}", config.stores);
        };
        assert_eq!(database.url, "sqlite:///tmp/a.db");
        assert_eq!(database.max_connections, 5);
    }
    for roots in ["ca.pem", "[ca.pem]"] {
        let store = format!(
            "{{type: http, base-url: 'https://x.example.com', authorization: t, trusted-roots: {roots}}}"
        );
        let config = good(&GOOD.replacen("{type: memory}", &store, 1));
        let Some(StoreSection::Http(http)) = config.stores.discover else {
            panic!("{:?}", config.stores);
        };
        assert_eq!(http.trusted_roots, [Path::new("ca.pem")]);
    }
}

#[test]
fn reads_each_strategy_in_each_spelling() {
    let consistent = |max_iterations, load_factor: Option<f64>| Selection::Consistent {
        max_iterations: NonZeroU32::new(max_iterations),
        load_factor: load_factor.map(|factor| LoadFactor::try_new(factor).unwrap()),
    };
    for (spelling, selection) in [
        ("", Selection::RoundRobin),
        ("round-robin", Selection::RoundRobin),
        ("{type: round-robin}", Selection::RoundRobin),
        ("{round-robin: {}}", Selection::RoundRobin),
        ("random", Selection::Random),
        ("'random'", Selection::Random),
        ("{type: random}", Selection::Random),
        ("{random: }", Selection::Random),
        ("adaptive", Selection::Adaptive),
        ("{type: adaptive}", Selection::Adaptive),
        ("{adaptive: {}}", Selection::Adaptive),
        ("consistent", consistent(0, None)),
        ("{type: consistent}", consistent(0, None)),
        ("{consistent: {}}", consistent(0, None)),
        (
            "{type: consistent, max-iterations: 10000}",
            consistent(10_000, None),
        ),
        (
            "{type: consistent, max_iterations: 4294967295, load_factor: 1}",
            consistent(u32::MAX, Some(1.0)),
        ),
        (
            "{load-factor: 1.25, type: consistent}",
            consistent(0, Some(1.25)),
        ),
        (
            "{consistent: {max_iterations: 1, load-factor: 1000}}",
            consistent(1, Some(1_000.0)),
        ),
    ] {
        let line = format!("backend-selection: {spelling}\n  allowed-hosts");
        let config = good(&GOOD.replace("allowed-hosts", &line));
        let read = config.lnurl.unwrap().balance.selection;
        assert_eq!(read, selection, "{spelling}");
    }
}

#[test]
fn reads_the_bias_within_its_bounds() {
    for (text, bias) in [
        ("-1", -1.0),
        ("-0.2", -0.2),
        ("0", 0.0),
        ("'0.5'", 0.5),
        ("100", 100.0),
    ] {
        let line = format!("selection-capacity-bias: {text}\n  allowed-hosts");
        let config = good(&GOOD.replace("allowed-hosts", &line));
        let read = config.lnurl.unwrap().balance.capacity_bias;
        assert_eq!(read, Some(CapacityBias::try_new(bias).unwrap()), "{text}");
    }
}

#[test]
fn needs_only_what_is_started() {
    let scope = Scope::Services([ServiceKind::Offer].into_iter().collect());
    let text = "offer-service: {auth-authority: a.pem}\nstore: {offer: {type: memory}}\n";
    let config = Config::parse(Path::new("swgr.yaml"), text, &scope, &env).unwrap();
    assert_eq!(config.lnurl, None);
    let present = Config::parse(Path::new("swgr.yaml"), text, &Scope::Present, &env).unwrap();
    assert_eq!(present.services, config.services);
}

#[test]
fn accepts_a_public_url_in_place_of_hosts() {
    let text = GOOD.replace(
        "allowed-hosts: [pay.example.com]",
        "public-url: https://pay.example.com/ln",
    );
    let lnurl = good(&text).lnurl.unwrap();
    assert_eq!(
        lnurl.public_url.unwrap().as_str(),
        "https://pay.example.com/ln"
    );
    assert!(lnurl.allowed_hosts.is_empty());
}

#[test]
fn warns_of_intervals_beside_stop() {
    let text = GOOD.replace(
        "allowed-hosts",
        "backoff: {type: stop, multiplier: 3.0}\n  allowed-hosts",
    );
    let config = good(&text);
    assert_eq!(
        config.lnurl.unwrap().balance.backoff,
        switchgear_core::balance::Backoff::Stop
    );
    assert!(config.warnings[0].message.contains("with `stop`"));
}

#[test]
fn keeps_database_passwords_out_of_debug_and_errors() {
    let store = "{type: database, database-url: 'sqlite://u:hunter2@h/a.db', max-connections: 0}";
    let error = parse(&GOOD.replacen("{type: memory}", store, 1)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let store = "{type: database, database-url: 'postgres://u:hunter2@h/db?sslmode=hunter2'}";
    let error = parse(&GOOD.replacen("{type: memory}", store, 1)).unwrap_err();
    assert!(error.to_string().contains("sslmode"), "{error}");
    for url in [
        "sqlite://u:hunter2@h/a.db",
        "postgres://u:hunter2@h/db",
        "mysql://u:hunter2@h/db",
    ] {
        let store = format!("{{type: database, database-url: '{url}'}}");
        let config = good(&GOOD.replacen("{type: memory}", &store, 1));
        assert!(!format!("{config:?}").contains("hunter2"), "{url}");
    }
}

#[test]
fn takes_the_urls_of_all_databases_and_shows_them_without_their_secrets() {
    for (url, engine, place) in [
        (
            "sqlite:///a/b.db?mode=rwc",
            Engine::Sqlite,
            "sqlite:/a/b.db",
        ),
        ("sqlite::memory:", Engine::Sqlite, "sqlite::memory:"),
        (
            "postgres://u:hunter2@h:5433/db?sslmode=require",
            Engine::Postgres,
            "postgres://h:5433/db",
        ),
        (
            "postgresql://u:hunter2@one,two:5433/db",
            Engine::Postgres,
            "postgresql://one,two:5433/db",
        ),
        (
            "postgres://u:hunter2?@h/db",
            Engine::Postgres,
            "postgres://…",
        ),
        (
            "postgres:///db?host=/run&password=hunter2",
            Engine::Postgres,
            "postgres:///db",
        ),
        ("mysql://u:hunter2@h/db", Engine::Mysql, "mysql://h/db"),
        (
            "mariadb://u:hunter2@h/db?ssl-mode=REQUIRED",
            Engine::Mysql,
            "mariadb://h/db",
        ),
    ] {
        let store = format!("{{type: database, database-url: '{url}', max-connections: 7}}");
        let config = good(&GOOD.replacen("{type: memory}", &store, 1));
        let Some(StoreSection::Database(database)) = config.stores.discover else {
            panic!("{url} names no database");
        };
        assert_eq!((database.engine, database.max_connections), (engine, 7));
        assert_eq!(database.place(), place);
    }
}

#[test]
fn needs_no_service_to_migrate_its_stores() {
    let stores = |text: &str| Config::parse(Path::new("swgr.yaml"), text, &Scope::Stores, &env);
    let config = stores("store: {offer: {type: memory}}").unwrap();
    assert_eq!(config.stores.offer, Some(StoreSection::Memory));
    assert_eq!((config.stores.discover, config.services.len()), (None, 0));
    let error = stores("lnurl-service: {allowed-hosts: [a.example.com]}").unwrap_err();
    assert!(error.to_string().contains("store: is missing"), "{error}");
}
