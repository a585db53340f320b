//! `swgr store migrate` through the real binary.

use crate::support::Folder;

fn folder(discover: &str, offer: &str) -> Folder {
    let folder = Folder::new();
    // What it says of services is not needed: their keys are not there.
    let text = format!(
        "offer-service: {{auth-authority: missing.pem}}\n\
         store:\n  discover: {discover}\n  offer: {offer}\n"
    );
    folder.write("swgr.yaml", &text);
    folder
}

fn database(url: &str) -> String {
    format!("{{type: database, database-url: '{url}'}}")
}

const MEMORY: &str = "{type: memory}";
const MIGRATE: &str = "-l warn store migrate -c swgr.yaml";

#[test]
fn migrates_each_database_once_and_again_without_harm() {
    let one = database("sqlite://one.db?mode=rwc");
    let folder = folder(&one, &one);
    for _ in 0..2 {
        folder.run(MIGRATE).wrote("Migrated: sqlite:one.db");
    }
    let fresh = self::folder(&database("sqlite://one.db"), MEMORY);
    for (says_so, command) in [true, false].map(|is_first| (is_first, "store migrate -c swgr.yaml"))
    {
        let run = fresh.run(command);
        assert_eq!(
            run.err.contains("were brought up to date"),
            says_so,
            "{run:?}"
        );
    }
    let written = std::fs::metadata(folder.path("one.db")).unwrap().len();
    assert!(written > 4_096, "{written} bytes are no tables");
    let folder = self::folder(&one, &database("sqlite://two.db"));
    let both = "Migrated: sqlite:one.db\nMigrated: sqlite:two.db";
    folder.run(MIGRATE).wrote(both);
    assert!(folder.path("two.db").exists());
}

#[test]
fn says_that_there_is_nothing_to_migrate() {
    folder(MEMORY, MEMORY)
        .run(MIGRATE)
        .wrote("Nothing to migrate: no store is a database");
}

#[test]
fn tells_a_bad_configuration_from_a_database_that_fails() {
    let folder = folder(MEMORY, &database("mysql://swgr:hunter2@db"));
    let run = folder.run(MIGRATE).bad(78, "store.offer.database-url: ");
    assert!(!run.err.contains("hunter2"), "{run:?}");
    folder.write("swgr.yaml", "offer-service: {auth-authority: a.pem}\n");
    folder.run(MIGRATE).bad(78, "store: is missing");
    folder
        .run("store migrate -c nothing.yaml")
        .bad(78, "nothing.yaml");
    folder.run("store migrate").bad(2, "--config");
    for (url, key) in [
        ("sqlite:///nonexistent/swgr.db", "/nonexistent"),
        (
            "postgres://swgr:hunter2@127.0.0.1:1/db?sslmode=disable",
            "store.offer: ",
        ),
        ("mysql://swgr:hunter2@127.0.0.1:1/db", "store.offer: "),
    ] {
        let folder = self::folder(MEMORY, &database(url));
        let run = folder.run(MIGRATE).bad(1, key);
        assert!(!run.err.contains("hunter2"), "{run:?}");
    }
}
