use super::*;

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn lnd_json() -> serde_json::Value {
    serde_json::json!({
        "address": {"publicKey": KEY},
        "name": "LND Node 1",
        "partitions": ["us", "default", "us"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "domain": "localhost",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/admin.macaroon"},
            "ampInvoice": false
        }
    })
}

fn cln_json() -> serde_json::Value {
    serde_json::json!({
        "address": {"url": "https://CLN.example.com"},
        "partitions": ["default"],
        "weight": 65535,
        "enabled": false,
        "implementation": {
            "type": "clnGrpc",
            "url": "https://127.0.0.1:9736",
            "auth": {"type": "path", "caCertPath": "/ca.pem", "clientCertPath": "/client.pem", "clientKeyPath": "/client-key.pem"},
            "privateHints": true
        }
    })
}

fn refusal(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut json = lnd_json();
    change(&mut json);
    serde_json::from_value::<Backend>(json)
        .unwrap_err()
        .to_string()
}

#[test]
fn reads_both_kinds_and_writes_them_back() {
    for json in [lnd_json(), cln_json()] {
        let backend: Backend = serde_json::from_value(json).unwrap();
        let again: Backend =
            serde_json::from_value(serde_json::to_value(&backend).unwrap()).unwrap();
        assert_eq!(again, backend);
    }
    let lnd: Backend = serde_json::from_value(lnd_json()).unwrap();
    assert_eq!(lnd.partitions.iter().len(), 2);
    let cln: Backend = serde_json::from_value(cln_json()).unwrap();
    assert_eq!(cln.address.readable(), "https://cln.example.com/");
}

#[test]
fn takes_null_for_an_absent_optional_field() {
    let mut json = lnd_json();
    json["name"] = serde_json::Value::Null;
    json["implementation"]["domain"] = serde_json::Value::Null;
    json["implementation"]["privateHints"] = serde_json::Value::Null;
    let backend: Backend = serde_json::from_value(json).unwrap();
    assert_eq!(backend.name, None);
    let mut json = cln_json();
    json["implementation"]["privateHints"] = serde_json::Value::Null;
    let backend: Backend = serde_json::from_value(json).unwrap();
    let Implementation::ClnGrpc(cln) = backend.implementation else {
        panic!("not Core Lightning: {backend:?}");
    };
    assert!(!cln.private_hints);
}

#[test]
fn refuses_weights_that_are_no_u16() {
    for weight in [
        serde_json::json!(65_536),
        serde_json::json!(-1),
        serde_json::json!(1.5),
        serde_json::json!(9_223_372_036_854_775_808_u64),
        serde_json::json!("1"),
        serde_json::Value::Null,
    ] {
        let message = refusal(|json| json["weight"] = weight);
        assert!(message.starts_with("invalid"), "{message}");
    }
}

#[test]
fn refuses_unknown_fields_empty_partitions_bad_keys_and_plain_text_nodes() {
    assert!(refusal(|json| json["wieght"] = 1.into()).contains("wieght"));
    assert!(refusal(|json| json["partitions"] = serde_json::json!([])).contains("at least one"));
    assert!(refusal(|json| json["partitions"] = serde_json::json!(["a b"])).contains("partition"));
    assert!(refusal(|json| json["address"]["publicKey"] = "02ff".into()).contains("66 hex"));
    let off_curve = format!("02{}", "f".repeat(64));
    assert!(refusal(|json| json["address"]["publicKey"] = off_curve.into()).contains("66 hex"));
    assert!(refusal(|json| json["name"] = "".into()).contains("name"));
    let plain = "http://127.0.0.1:10009";
    assert!(refusal(|json| json["implementation"]["url"] = plain.into()).contains("https"));
    assert!(refusal(|json| json["implementation"]["extra"] = 1.into()).contains("extra"));
    let auth = serde_json::json!({"type": "path", "tlsCertPath": "", "macaroonPath": "/m"});
    assert!(refusal(|json| json["implementation"]["auth"] = auth).contains("empty"));
}

#[test]
fn refuses_fields_of_another_type_of_node_and_missing_ones() {
    type Fields = serde_json::Map<String, serde_json::Value>;

    fn refusal_of(mut json: serde_json::Value, change: impl FnOnce(&mut Fields)) -> String {
        change(json["implementation"].as_object_mut().unwrap());
        serde_json::from_value::<Backend>(json)
            .unwrap_err()
            .to_string()
    }

    let foreign = refusal_of(cln_json(), |node| {
        _ = node.insert("ampInvoice".into(), true.into())
    });
    assert!(
        foreign.contains("field `ampInvoice` is of another"),
        "{foreign}"
    );
    let foreign = refusal_of(lnd_json(), |node| node["auth"]["caCertPath"] = "/ca".into());
    assert!(
        foreign.contains("field `auth.caCertPath` is of another"),
        "{foreign}"
    );
    let missing = refusal_of(lnd_json(), |node| _ = node.remove("ampInvoice"));
    assert!(missing.contains("missing field `ampInvoice`"), "{missing}");
    let missing = refusal_of(cln_json(), |node| {
        _ = node["auth"].as_object_mut().unwrap().remove("caCertPath");
    });
    assert!(
        missing.contains("missing field `auth.caCertPath`"),
        "{missing}"
    );
    let unknown = refusal_of(lnd_json(), |node| node["type"] = "eclair".into());
    assert!(unknown.contains("unknown variant `eclair`"), "{unknown}");
    let unknown = refusal_of(lnd_json(), |node| node["auth"]["type"] = "inline".into());
    assert!(unknown.contains("unknown variant `inline`"), "{unknown}");
}

#[test]
fn refuses_addresses_with_credentials() {
    for url in ["https://user@a.example", "https://:secret@a.example"] {
        let message = BackendAddress::try_from_url(url).unwrap_err().to_string();
        assert_eq!(message, "address: must not carry credentials");
    }
}

#[test]
fn reads_every_form_of_an_address_and_no_other() {
    let by_key = BackendAddress::PublicKey(KEY.parse().unwrap());
    assert_eq!(KEY.parse(), Ok(by_key.clone()));
    assert_eq!(KEY.to_uppercase().parse(), Ok(by_key.clone()));
    assert_eq!(format!("pk/{KEY}").parse(), Ok(by_key.clone()));
    assert_eq!(by_key.to_string(), format!("pk/{KEY}"));
    for text in [
        "",
        "pk/",
        "pk",
        "url/",
        "url/a=",
        "url/####",
        "px/00",
        "url/bm90IGEgdXJs",
    ] {
        assert!(text.parse::<BackendAddress>().is_err(), "{text}");
    }
}

#[test]
fn patches_only_what_the_patch_names() {
    let mut backend: Backend = serde_json::from_value(lnd_json()).unwrap();
    let before = backend.clone();
    serde_json::from_str::<BackendPatch>("{}")
        .unwrap()
        .apply(&mut backend);
    assert_eq!(backend, before);

    serde_json::from_str::<BackendPatch>(r#"{"name":null,"weight":7,"partitions":["eu"]}"#)
        .unwrap()
        .apply(&mut backend);
    assert_eq!(backend.name, None);
    assert_eq!(backend.weight.get(), 7);
    assert!(backend.enabled);
    assert_eq!(backend.partitions.iter().next().unwrap().as_str(), "eu");
    assert!(serde_json::from_str::<BackendPatch>(r#"{"weigth":7}"#).is_err());
    assert!(serde_json::from_str::<BackendPatch>(r#"{"partitions":[]}"#).is_err());
}

#[test]
fn is_eligible_when_enabled_with_weight_and_a_member() {
    let backend: Backend = serde_json::from_value(lnd_json()).unwrap();
    let us = Partition::try_new("us").unwrap();
    assert!(backend.is_eligible(&us));
    assert!(!backend.is_eligible(&Partition::try_new("eu").unwrap()));
    let mut drained = backend.clone();
    drained.weight = Weight::DRAIN;
    assert!(!drained.is_eligible(&us));
    let mut disabled = backend;
    disabled.enabled = false;
    assert!(!disabled.is_eligible(&us));
}

#[test]
fn an_address_by_key_names_the_signer_and_one_by_url_does_not() {
    let by_key: BackendAddress = KEY.parse().unwrap();
    let key = by_key.public_key().unwrap();
    assert_eq!(hex::encode(key.serialize()), KEY);
    assert_eq!(by_key.readable(), KEY);

    let by_url = BackendAddress::try_from_url("https://CLN.example.com").unwrap();
    assert_eq!(by_url.public_key(), None);
    assert_eq!(by_url.readable(), "https://cln.example.com/");
    assert_eq!(
        by_url.to_string(),
        "url/aHR0cHM6Ly9jbG4uZXhhbXBsZS5jb20v" // https://cln.example.com/
    );
    assert_eq!(by_url.to_string().parse(), Ok(by_url));
}

#[test]
fn takes_an_address_by_url_up_to_its_greatest_length() {
    let longest = format!(
        "https://a.example/{:x<1$}",
        "",
        BackendAddress::MAX_URL_LEN - 18
    );
    assert_eq!(longest.len(), BackendAddress::MAX_URL_LEN);
    assert!(BackendAddress::try_from_url(&longest).is_ok());
    let error = BackendAddress::try_from_url(&format!("{longest}x")).unwrap_err();
    assert_eq!(error.to_string(), "address: must be at most 2048 bytes");
    let error = BackendAddress::try_from_url("cln.example.com").unwrap_err();
    assert!(error.reason().starts_with("is not a URL: "), "{error}");
}

#[test]
fn knows_where_a_node_of_either_kind_listens() {
    for (json, url) in [
        (lnd_json(), "https://127.0.0.1:10009/"),
        (cln_json(), "https://127.0.0.1:9736/"),
    ] {
        let backend: Backend = serde_json::from_value(json).unwrap();
        assert_eq!(backend.implementation.url().as_url().as_str(), url);
    }
}

#[test]
fn refuses_an_address_of_a_node_that_could_not_be_dialled_or_shown() {
    for (url, reason) in [
        ("127.0.0.1:10009", "is not a URL: "),
        ("grpc://127.0.0.1:10009", "must begin with https://"),
        ("https://user@127.0.0.1", "must not carry credentials"),
        ("https://:secret@127.0.0.1", "must not carry credentials"),
    ] {
        let error = NodeUrl::try_new(url).unwrap_err();
        assert_eq!(error.field(), "url");
        assert!(error.reason().starts_with(reason), "{url}: {error}");
    }
}

#[test]
fn takes_names_and_addresses_for_a_certificate_and_nothing_else() {
    for (text, kept) in [
        ("LND.example.com", "lnd.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ] {
        assert_eq!(Domain::try_new(text).unwrap().as_str(), kept);
    }
    for text in ["", "a b", "https://a.example", "a.example/path"] {
        let error = Domain::try_new(text).unwrap_err();
        assert!(error.to_string().starts_with("domain: is not"), "{error}");
    }
}

#[test]
fn a_switch_changes_nothing_but_whether_the_node_takes_part() {
    let before: Backend = serde_json::from_value(lnd_json()).unwrap();
    let mut backend = before.clone();
    let off = BackendPatch::enabled(false);
    assert_eq!(serde_json::to_string(&off).unwrap(), r#"{"enabled":false}"#);
    off.apply(&mut backend);
    assert!(!backend.enabled);
    BackendPatch::enabled(true).apply(&mut backend);
    assert_eq!(backend, before);
}

#[test]
fn a_weight_of_zero_drains_and_every_other_is_a_share() {
    assert!(Weight::DRAIN.is_zero());
    assert_eq!(Weight::DRAIN.non_zero(), None);
    for share in [1, u16::MAX] {
        let weight = Weight::new(share);
        assert!(!weight.is_zero() && weight > Weight::DRAIN);
        assert_eq!(weight.get(), share);
        assert_eq!(weight.non_zero().map(u16::from), Some(share));
    }
}
