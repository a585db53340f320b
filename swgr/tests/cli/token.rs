//! Keys and tokens through the real binary.

use std::time::Duration;

use switchgear_http::auth::{Audience, SigningKey};

use crate::support::{Folder, Run, mode};

fn with_keys() -> Folder {
    let folder = Folder::new();
    folder
        .run("offer token key -p public.pem -k private.pem")
        .good();
    folder
}

#[test]
fn makes_a_key_pair_of_which_only_the_public_half_is_readable_by_others() {
    let folder = with_keys();
    assert!(
        folder
            .read("public.pem")
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    assert!(
        folder
            .read("private.pem")
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert_eq!(mode(&folder.path("private.pem")), 0o600);
}

#[test]
fn keeps_existing_keys_unless_forced() {
    let folder = with_keys();
    let (public, private) = (folder.read("public.pem"), folder.read("private.pem"));
    for other in ["-p public.pem -k new.pem", "-p new.pem -k private.pem"] {
        folder
            .run(&format!("offer token key {other}"))
            .bad(1, "--force");
        assert!(!folder.path("new.pem").exists());
    }
    assert_eq!(
        (folder.read("public.pem"), folder.read("private.pem")),
        (public.clone(), private)
    );
    folder
        .run("offer token key -p public.pem -k private.pem --force")
        .good();
    assert_ne!(folder.read("public.pem"), public);
    assert_eq!(mode(&folder.path("private.pem")), 0o600);
}

#[test]
fn makes_no_half_of_a_pair_and_destroys_none() {
    let folder = Folder::new();
    for paths in [
        "-p no/public.pem -k private.pem",
        "-p public.pem -k no/private.pem",
    ] {
        folder
            .run(&format!("offer token key {paths}"))
            .bad(1, "writing no/");
        assert_eq!(folder.names(), [""; 0]);
    }
    let folder = with_keys();
    let (public, private) = (folder.read("public.pem"), folder.read("private.pem"));
    for paths in [
        "-p no/public.pem -k private.pem",
        "-p . -k private.pem",
        "-p public.pem -k no/private.pem",
    ] {
        folder
            .run(&format!("offer token key --force {paths}"))
            .bad(1, "writing ");
    }
    folder
        .run("offer token key --force -p public.pem -k ./public.pem")
        .bad(2, "two files");
    assert_eq!(folder.read("public.pem"), public);
    assert_eq!(folder.read("private.pem"), private);
    assert_eq!(folder.names(), ["private.pem", "public.pem"]);
}

#[test]
fn says_in_a_token_who_holds_it() {
    let folder = with_keys();
    for (options, subject) in [
        ("", "admin"),
        ("-s alice", "alice"),
        ("--subject bob", "bob"),
    ] {
        let mint = format!("offer token mint -k private.pem {options}");
        let token = folder.run(&mint).good().out;
        let verified = folder.run_with("offer token verify -p public.pem", &token);
        let claims: serde_json::Value = serde_json::from_str(&verified.good().out).unwrap();
        assert_eq!(claims["sub"], subject);
    }
    let mut nobody = folder.command("offer token mint -k private.pem -s");
    Run::of(nobody.arg(" ").output().unwrap()).bad(2, "must be a name");
}

#[test]
fn reads_any_of_its_files_from_standard_input() {
    let folder = with_keys();
    let token = folder
        .run_with("offer token mint -k -", &folder.read("private.pem"))
        .good()
        .out;
    folder.write("a.token", &token);
    folder
        .run_with(
            "offer token verify -p - -t a.token",
            &folder.read("public.pem"),
        )
        .good();
    folder
        .run_with("offer token verify -p public.pem -t -", &token)
        .good();
}

#[test]
fn mints_tokens_that_verify() {
    let folder = with_keys();
    let token = folder.run("offer token mint -k private.pem").good().out;
    assert_eq!(token.split('.').count(), 3);
    assert!(!token.ends_with('\n'));
    folder
        .run("offer token mint -k private.pem -e 60 -o a.token")
        .wrote("");
    assert_eq!(mode(&folder.path("a.token")), 0o600);
    assert!(!folder.read("a.token").ends_with('\n'));

    folder.write("spaced.token", &format!("\n {} \n", folder.read("a.token")));
    let from_file = folder
        .run("offer token verify -p public.pem -t spaced.token")
        .good();
    let claims: serde_json::Value = serde_json::from_str(&from_file.out).unwrap();
    assert_eq!(claims["aud"], "offer");
    assert!(claims["exp"].is_u64());
    assert!(
        from_file.out.contains("\n  \"aud\""),
        "pretty: {}",
        from_file.out
    );
    folder
        .run_with("offer token verify -p public.pem -o claims.json", &token)
        .wrote("");
    assert!(folder.read("claims.json").contains("\"exp\""));
}

#[test]
fn makes_keys_and_a_token_in_one_go() {
    let folder = Folder::new();
    folder
        .run("discovery token mint-all -p p.pem -k k.pem -e 9 -o t")
        .wrote("");
    folder.run("discovery token verify -p p.pem -t t").good();
}

#[test]
fn says_whether_a_token_is_bad_expired_or_foreign() {
    let folder = with_keys();
    let key = SigningKey::from_pem(folder.read("private.pem").as_bytes()).unwrap();
    let hour = Duration::from_secs(3_600);
    let long_ago = std::time::SystemTime::now() - 2 * hour;
    folder.write(
        "expired",
        &key.mint(Audience::Offer, hour, long_ago).unwrap(),
    );
    folder
        .run("discovery token mint -k private.pem -o foreign")
        .good();
    folder
        .run("offer token mint-all -p other.pem -k other-key.pem -o other")
        .good();
    for (token, said) in [
        ("expired", "the token is expired"),
        ("foreign", "the token is foreign"),
        ("other", "the token is bad"),
        ("public.pem", "the token is bad"),
    ] {
        let run = folder.run(&format!("offer token verify -p public.pem -t {token}"));
        assert_eq!(run.bad(1, said).out, "");
    }
}

#[test]
fn names_a_key_that_cannot_be_used_and_never_shows_it() {
    let folder = with_keys();
    folder
        .run("offer token mint -k public.pem")
        .bad(1, "reading the private key public.pem");
    let run = folder.run("offer token verify -p private.pem -t private.pem");
    let run = run.bad(1, "reading the public key private.pem");
    let secret = folder
        .read("private.pem")
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    assert!(!run.err.contains(&secret));
    folder
        .run("offer token mint -k private.pem -e 0")
        .bad(2, "--expires");
}
