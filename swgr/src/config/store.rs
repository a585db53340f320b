use std::{fmt, path::PathBuf, time::Duration};

use switchgear_core::store::StoreError;
use switchgear_stores::{mysql::MysqlConfig, postgres::PostgresConfig, sqlite::SqliteConfig};
use url::Url;

use super::{
    files::FileKind,
    reader::{Leaf, Section, file_reader, join, nearest},
    scalar::{base_url, integer, seconds},
};

/// `store.discover` or `store.offer`: where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreSection {
    /// `type: memory`: lost when the process ends.
    Memory,
    /// `type: database`.
    Database(DatabaseSection),
    /// `type: http`: another instance's service.
    Http(HttpSection),
}

/// `type: database`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseSection {
    /// What the scheme of `database-url` names.
    pub engine: Engine,
    /// `database-url`. It may hold a password: it is in no `Debug` and in no error.
    pub url: String,
    /// `max-connections`, by default 5.
    pub max_connections: usize,
}

/// The databases that records can be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// `sqlite:`
    Sqlite,
    /// `postgres://` or `postgresql://`
    Postgres,
    /// `mysql://` or `mariadb://`
    Mysql,
}

impl Engine {
    /// The engine that a URL's scheme names.
    fn of(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::Mysql),
            _ => None,
        }
    }

    /// Whether its store takes the URL. The refusal says why, and repeats no part that may be secret.
    fn check(self, url: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite => SqliteConfig::new(url).check(),
            Self::Postgres => PostgresConfig::new(url).check(),
            Self::Mysql => MysqlConfig::new(url).check(),
        }
    }
}

impl DatabaseSection {
    /// The URL without user, password and options: `postgres://db.example:5432/switchgear`.
    pub fn place(&self) -> String {
        let (scheme, rest) = self.url.split_once(':').unwrap_or(("", &self.url));
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.strip_prefix("//").unwrap_or(place);
        let place = match self.engine {
            Engine::Sqlite => return format!("sqlite:{place}"),
            // A password may hold a question mark: what seems the place is then a part of it.
            _ if !place.contains('@') && options.contains('@') => "…",
            _ => place.rsplit('@').next().unwrap_or_default(),
        };
        format!("{scheme}://{place}")
    }
}

impl fmt::Debug for DatabaseSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSection")
            .field("engine", &self.engine)
            .field("url", &"[redacted]")
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

/// `type: http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSection {
    /// `base-url` of the remote service.
    pub base_url: Url,
    /// `connect-timeout-secs`, by default 2.
    pub connect_timeout: Duration,
    /// `total-timeout-secs`, by default 5.
    pub total_timeout: Duration,
    /// `trusted-roots`: PEM files; none means the roots that come with the client.
    pub trusted_roots: Vec<PathBuf>,
    /// `authorization`: the file that holds the bearer token.
    pub authorization: PathBuf,
}

/// `store`, whose two parts are each needed only by some services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stores {
    /// `discover`: the nodes.
    pub discover: Option<StoreSection>,
    /// `offer`: offers and their metadata.
    pub offer: Option<StoreSection>,
}

const EXAMPLE: &str = "sqlite:///path/to/file.db?mode=rwc";

const TYPES: [&str; 3] = ["database", "http", "memory"];

/// Reads one store. `None` also where an error was reported.
pub(super) fn read(mut section: Section<'_>) -> Option<StoreSection> {
    let hint = "one of database, http, memory";
    let kind = section.required("type", hint, |leaf| Ok(leaf.text().trim().to_owned()))?;
    match kind.as_str() {
        "memory" => {
            section.finish();
            Some(StoreSection::Memory)
        }
        "database" => read_database(section).map(StoreSection::Database),
        "http" => read_http(section).map(StoreSection::Http),
        other => {
            let at = section.position("type");
            let path = join(section.path(), "type");
            let message = format!("must be one of database, http, memory, not `{other}`");
            let hint = nearest(other, TYPES.into_iter());
            section.sink().error(at, &path, message, hint);
            None
        }
    }
}

fn read_database(mut section: Section<'_>) -> Option<DatabaseSection> {
    let key = ("database-url", "database-uri");
    if !section.is_given(key) {
        section.missing("database-url", &format!("{EXAMPLE} for example"));
    }
    let url = section.leaf(key, database_url);
    let max_connections = section.leaf("max-connections", integer(1..=1_000));
    section.finish();
    let (engine, url) = url?;
    Some(DatabaseSection {
        engine,
        url,
        max_connections: max_connections.unwrap_or(5),
    })
}

/// The URL of a database. No refusal repeats a part of it that may be secret.
fn database_url(leaf: &Leaf<'_>) -> Result<(Engine, String), String> {
    let text = leaf.text().trim();
    let Some(engine) = Engine::of(text) else {
        return Err(format!(
            "must begin with sqlite:, postgres:// or mysql://, as in {EXAMPLE}"
        ));
    };
    match engine.check(text) {
        Ok(()) => Ok((engine, text.to_owned())),
        Err(_) if engine == Engine::Sqlite => Err(format!("must name a file, as in {EXAMPLE}")),
        Err(error) => Err(error.to_string()),
    }
}

fn read_http(mut section: Section<'_>) -> Option<HttpSection> {
    let url = section.required("base-url", "the URL of the remote service", base_url);
    let connect_timeout = section.leaf("connect-timeout-secs", seconds);
    let total_timeout = section.leaf("total-timeout-secs", seconds);
    let roots = file_reader(FileKind::Certificates, section.sink());
    let trusted_roots = section.list("trusted-roots", roots);
    let authorization = section.required_file("authorization", FileKind::Token);
    section.finish();
    Some(HttpSection {
        base_url: url?,
        connect_timeout: connect_timeout.unwrap_or(Duration::from_secs(2)),
        total_timeout: total_timeout.unwrap_or(Duration::from_secs(5)),
        trusted_roots: trusted_roots.into_values(),
        authorization: authorization?,
    })
}
