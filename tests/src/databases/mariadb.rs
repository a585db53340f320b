//! What is MariaDB's own in running a server.

use std::{ffi::OsString, path::Path};

use super::server::{Layout, Programs};
use crate::programs::program;

pub(super) fn programs(layout: &Layout) -> anyhow::Result<Programs> {
    Ok(Programs {
        install: (program("mariadb-install-db")?, install(layout)),
        serve: (program("mariadbd")?, serve(layout)),
        client: program("mariadb")?,
    })
}

fn install(layout: &Layout) -> Vec<OsString> {
    vec![
        // First, or it is not taken.
        "--no-defaults".into(),
        "--auth-root-authentication-method=normal".into(),
        "--skip-test-db".into(),
        "--innodb-log-file-size=8M".into(),
        with_path("--datadir=", &layout.data),
        // The common one may be closed to its user.
        with_path("--tmpdir=", &layout.folder),
    ]
}

fn serve(layout: &Layout) -> Vec<OsString> {
    let flush = if layout.options.is_durable { 1 } else { 0 };
    let mut arguments: Vec<OsString> = vec![
        "--no-defaults".into(),
        with_path("--datadir=", &layout.data),
        with_path("--tmpdir=", &layout.folder),
        with_path("--socket=", &socket(layout)),
        with_path("--pid-file=", &layout.folder.join("server.pid")),
        format!("--port={}", layout.port).into(),
        "--bind-address=127.0.0.1".into(),
        "--skip-name-resolve".into(),
        "--max-connections=200".into(),
        "--innodb-log-file-size=8M".into(),
        "--innodb-buffer-pool-size=128M".into(),
        format!("--innodb-flush-log-at-trx-commit={flush}").into(),
    ];
    if layout.options.has_tls {
        let files = &layout.server_files;
        arguments.push(with_path("--ssl-cert=", &files.certificate));
        arguments.push(with_path("--ssl-key=", &files.key));
    } else {
        arguments.push("--skip-ssl".into());
    }
    arguments
}

/// The client's arguments for SQL on its standard input, as the administrator.
pub(super) fn client(layout: &Layout, database: Option<&str>) -> Vec<OsString> {
    vec![
        "--no-defaults".into(),
        "--user=root".into(),
        "--batch".into(),
        "--skip-column-names".into(),
        with_path("--socket=", &socket(layout)),
        database.unwrap_or("mysql").into(),
    ]
}

pub(super) fn create_users(password: &str) -> String {
    format!(
        "CREATE USER owner@'%' IDENTIFIED BY '{password}';\n\
         CREATE USER least@'%' IDENTIFIED BY '{password}';\n"
    )
}

/// What makes a database: `least` may use what `owner` will create, and create nothing.
pub(super) fn create_database(name: &str) -> (String, String) {
    let rights = format!(
        "GRANT ALL ON {name}.* TO owner@'%'; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO least@'%';"
    );
    (format!("CREATE DATABASE {name};"), rights)
}

fn socket(layout: &Layout) -> std::path::PathBuf {
    layout.folder.join("server.sock")
}

fn with_path(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}
