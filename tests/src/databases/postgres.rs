//! What is PostgreSQL's own in running a server.

use std::{ffi::OsString, fs, path::Path};

use super::server::{Layout, Programs};
use crate::programs::program;

/// Everybody may come through the socket, which lies in a folder that nobody else may enter; over TCP
/// there are passwords.
const ACCESS: &str = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";

pub(super) fn programs(layout: &Layout) -> anyhow::Result<Programs> {
    Ok(Programs {
        install: (program("initdb")?, install(&layout.data)),
        serve: (program("postgres")?, serve(layout)),
        client: program("psql")?,
    })
}

fn install(data: &Path) -> Vec<OsString> {
    let options = [
        "--no-sync",
        "--locale=C",
        "--encoding=UTF8",
        "--username=postgres",
        "--auth=trust",
        "--pgdata",
    ];
    let mut arguments: Vec<OsString> = options.map(OsString::from).into();
    arguments.push(data.into());
    arguments
}

fn serve(layout: &Layout) -> Vec<OsString> {
    let folder = layout.folder.display();
    let on = |is_on| if is_on { "on" } else { "off" };
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={}", layout.port),
        format!("unix_socket_directories={folder}"),
        format!("hba_file={folder}/access.conf"),
        "max_connections=200".to_owned(),
        format!("fsync={}", on(layout.options.is_durable)),
        format!("ssl={}", on(layout.options.has_tls)),
    ];
    if layout.options.has_tls {
        let files = &layout.server_files;
        settings.push(format!("ssl_cert_file={}", files.certificate.display()));
        settings.push(format!("ssl_key_file={}", files.key.display()));
    }
    let mut arguments: Vec<OsString> = vec!["-D".into(), layout.data.clone().into()];
    for setting in settings {
        arguments.extend(["-c".into(), setting.into()]);
    }
    arguments
}

/// What must lie beside the data before the first start.
pub(super) fn prepare(layout: &Layout) -> anyhow::Result<()> {
    Ok(fs::write(layout.folder.join("access.conf"), ACCESS)?)
}

/// The client's arguments for SQL on its standard input, as the administrator.
pub(super) fn client(layout: &Layout, database: Option<&str>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        .map(OsString::from)
        .into();
    arguments.extend([
        "--set=ON_ERROR_STOP=1".into(),
        "--username=postgres".into(),
        format!("--port={}", layout.port).into(),
        "--host".into(),
        layout.folder.clone().into(),
        format!("--dbname={}", database.unwrap_or("postgres")).into(),
    ]);
    arguments
}

pub(super) fn create_users(password: &str) -> String {
    format!(
        "CREATE ROLE owner LOGIN PASSWORD '{password}';\n\
         CREATE ROLE least LOGIN PASSWORD '{password}';\n"
    )
}

/// What makes a database, and what is then done within it: `least` may use what `owner` will create, and
/// create nothing.
pub(super) fn create_database(name: &str) -> (String, String) {
    let rights = "ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public \
                  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO least;";
    (
        format!("CREATE DATABASE {name} OWNER owner;"),
        rights.to_owned(),
    )
}
