//! Connections to servers with certificates: who is believed, and who is not.

use switchgear_core::{ErrorChain, store::StoreErrorKind};
use switchgear_tests::{
    Authority, Database, DatabaseKind, DatabaseServer, DatabaseUser, ServerOptions,
};
use tempfile::TempDir;

use crate::{
    place::{Place, Sql, open, shown},
    stores::Stores,
};

#[tokio::test]
async fn postgres_is_believed_by_its_certificate_and_its_name() -> anyhow::Result<()> {
    server_is_believed(Sql::Postgres).await
}

#[tokio::test]
async fn mariadb_is_believed_by_its_certificate_and_its_name() -> anyhow::Result<()> {
    server_is_believed(Sql::MariaDb).await
}

async fn server_is_believed(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.own_place(ServerOptions::QUICK).await? else {
        return Ok(());
    };
    if sql == Sql::MariaDb {
        // It does not tell which connections are encrypted, but it can refuse the others.
        let only_tls = "SET GLOBAL require_secure_transport = 1;";
        place.sql(only_tls).await?;
    }
    let folder = TempDir::new()?;
    let modes = Modes::of(sql);
    let database = place.database()?;
    let root = database.server().authority().root().display().to_string();
    let stranger = Authority::stranger(folder.path())?;
    let stranger = stranger.root().display().to_string();

    // What must work, and is encrypted.
    for (host, mode, root) in [
        ("localhost", modes.name, Some(&root)),
        ("127.0.0.1", modes.chain, Some(&root)),
        ("127.0.0.1", modes.encrypted, None),
    ] {
        let url = modes.url(database, host, mode, root);
        let stores = open(&url, 2).await?;
        assert!(is_served(&stores).await, "{mode} to {host}");
        assert!(is_encrypted(&place).await?, "{mode} to {host} is plain");
    }
    // The address is no name in the certificate, and a stranger signed nothing.
    for (host, mode, root) in [
        ("127.0.0.1", modes.name, &root),
        ("localhost", modes.name, &stranger),
        ("localhost", modes.chain, &stranger),
    ] {
        let url = modes.url(database, host, mode, Some(root));
        let words = refused(&url).await;
        let names_it = words.to_lowercase().contains("certificate") || words.contains("TLS");
        assert!(names_it, "{mode} to {host} with {root}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn postgres_without_tls_is_refused_by_who_asks_for_it() -> anyhow::Result<()> {
    plain_server_is_refused(Sql::Postgres).await
}

#[tokio::test]
async fn mariadb_without_tls_is_refused_by_who_asks_for_it() -> anyhow::Result<()> {
    plain_server_is_refused(Sql::MariaDb).await
}

async fn plain_server_is_refused(sql: Sql) -> anyhow::Result<()> {
    let plain = ServerOptions {
        has_tls: false,
        ..ServerOptions::QUICK
    };
    let Some(place) = sql.own_place(plain).await? else {
        return Ok(());
    };
    let modes = Modes::of(sql);
    let database = place.database()?;
    let root = database.server().authority().root().display().to_string();
    for (mode, root) in [
        (modes.encrypted, None),
        (modes.chain, Some(&root)),
        (modes.name, Some(&root)),
    ] {
        let words = refused(&modes.url(database, "localhost", mode, root)).await;
        assert!(
            words.contains("TLS") || words.contains("SSL"),
            "{mode}: {words}"
        );
    }
    // Who does not ask for it is served.
    let url = modes.url(database, "localhost", modes.plain, None);
    assert!(is_served(&open(&url, 2).await?).await);
    Ok(())
}

#[tokio::test]
async fn no_refusal_holds_the_password() -> anyhow::Result<()> {
    for sql in [Sql::Postgres, Sql::MariaDb] {
        let Some(place) = sql.place().await? else {
            continue;
        };
        let url = place.url();
        for wrong in [
            url.replace("owner:", "owner:not-"),
            url.replace("owner:", "nobody:"),
            url.replace("/test", "/missing"),
            // Nobody listens on port 1.
            url.replace(&port(place.database()?.server()), ":1/"),
        ] {
            assert_ne!(wrong, url);
            refused(&wrong).await;
        }
    }
    Ok(())
}

fn port(server: &DatabaseServer) -> String {
    format!(":{}/", server.port())
}

/// The words of a refusal with its causes, after a look that the password is in none of them.
async fn refused(url: &str) -> String {
    let opened = open(url, 2).await;
    let error = opened.expect_err("a connection that must be refused stands");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    let words = ErrorChain(&error).to_string();
    for told in [words.clone(), format!("{error:?}"), shown(url)] {
        for secret in ["canary", "w/rd", "w%2Frd"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    words
}

async fn is_served(stores: &Stores) -> bool {
    let shown = format!("{stores:?}");
    assert!(!shown.contains("canary"), "{shown}");
    stores.backends.snapshot(None).await.is_ok()
}

/// Whether all connections of the owner's are encrypted, of which there are some.
async fn is_encrypted(place: &Place) -> anyhow::Result<bool> {
    let database = place.database()?;
    if database.server().kind() == DatabaseKind::MariaDb {
        // Those are all that it lets in.
        return Ok(true);
    }
    let name = database.name();
    let query = |ssl| {
        format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE datname = '{name}' AND usename = 'owner' AND ssl = {ssl};"
        )
    };
    let plain = database.number(&query(false)).await?;
    Ok(database.number(&query(true)).await? > 0 && plain == 0)
}

/// What a kind of database calls the degrees of trust.
struct Modes {
    option: &'static str,
    root: &'static str,
    plain: &'static str,
    encrypted: &'static str,
    chain: &'static str,
    name: &'static str,
}

impl Modes {
    fn of(sql: Sql) -> Self {
        match sql {
            Sql::Postgres => Self {
                option: "sslmode",
                root: "sslrootcert",
                plain: "disable",
                encrypted: "require",
                chain: "verify-ca",
                name: "verify-full",
            },
            _ => Self {
                option: "ssl-mode",
                root: "ssl-ca",
                plain: "DISABLED",
                encrypted: "REQUIRED",
                chain: "VERIFY_CA",
                name: "VERIFY_IDENTITY",
            },
        }
    }

    fn url(&self, database: &Database, host: &str, mode: &str, root: Option<&String>) -> String {
        let mut options = format!("{}={mode}", self.option);
        if let Some(root) = root {
            options.push_str(&format!("&{}={root}", self.root));
        }
        database.url_with(DatabaseUser::Owner, host, &options)
    }
}
