use std::sync::Arc;

use switchgear_core::{
    ErrorChain,
    backend::DiscoveryBackendStore,
    offer::{OfferMetadataStore, OfferProvider, OfferStore},
    store::{StoreError, StoreErrorKind},
};
use switchgear_stores::{
    http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig},
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
    mysql::{MysqlConfig, MysqlStore},
    postgres::{PostgresConfig, PostgresStore},
    sqlite::{SqliteConfig, SqliteStore},
};

use crate::{
    Failure,
    config::{
        Config, ConfigError, DatabaseSection, Engine, HttpSection, ServiceKind, StoreSection,
    },
};

/// The stores that the started services need, each built once.
#[derive(Debug, Default)]
pub(super) struct Stores {
    pub(super) discover: Option<Arc<dyn DiscoveryBackendStore>>,
    pub(super) offer: Option<Offers>,
}

/// One store in its three roles.
#[derive(Debug, Clone)]
pub(super) struct Offers {
    pub(super) offers: Arc<dyn OfferStore>,
    pub(super) metadata: Arc<dyn OfferMetadataStore>,
    pub(super) provider: Arc<dyn OfferProvider>,
}

/// What offers need of a store.
trait OfferRoles: OfferStore + OfferMetadataStore + OfferProvider {}

impl<S: OfferStore + OfferMetadataStore + OfferProvider> OfferRoles for S {}

/// What a database is: a store of everything.
trait AllRoles: DiscoveryBackendStore + OfferRoles {}

impl<S: DiscoveryBackendStore + OfferRoles> AllRoles for S {}

const DISCOVER: &str = "store.discover";
const OFFER: &str = "store.offer";

impl Stores {
    pub(super) async fn open(config: &Config) -> Result<Self, Failure> {
        let needs = |admin| {
            config.services.contains(&ServiceKind::Lnurl) || config.services.contains(&admin)
        };
        let discover = config.stores.discover.as_ref();
        let offer = config.stores.offer.as_ref();
        let discover = discover.filter(|_| needs(ServiceKind::Discovery));
        let offer = offer.filter(|_| needs(ServiceKind::Offer));
        if let Some(database) = shared(discover, offer) {
            let store = open_database(&database, DISCOVER).await?;
            return Ok(Self {
                discover: Some(Arc::clone(&store) as _),
                offer: Some(Offers::of(store)),
            });
        }
        Ok(Self {
            discover: match discover {
                Some(section) => Some(open_discover(section).await?),
                None => None,
            },
            offer: match offer {
                Some(section) => Some(open_offer(section).await?),
                None => None,
            },
        })
    }
}

impl Offers {
    fn of(store: Arc<dyn OfferRoles>) -> Self {
        Self {
            offers: Arc::clone(&store) as _,
            metadata: Arc::clone(&store) as _,
            provider: store,
        }
    }
}

/// The one database of both stores, where they name the same: it then has one pool of connections.
fn shared(
    discover: Option<&StoreSection>,
    offer: Option<&StoreSection>,
) -> Option<DatabaseSection> {
    match (discover?, offer?) {
        (StoreSection::Database(one), StoreSection::Database(other)) if one.url == other.url => {
            Some(DatabaseSection {
                engine: one.engine,
                url: one.url.clone(),
                max_connections: one.max_connections.max(other.max_connections),
            })
        }
        _ => None,
    }
}

async fn open_discover(section: &StoreSection) -> Result<Arc<dyn DiscoveryBackendStore>, Failure> {
    Ok(match section {
        StoreSection::Memory => Arc::new(MemoryDiscoveryStore::new()),
        StoreSection::Database(database) => open_database(database, DISCOVER).await?,
        StoreSection::Http(http) => {
            let store = HttpDiscoveryStore::try_new(remote(http));
            Arc::new(store.map_err(|error| refuse(DISCOVER, &error))?)
        }
    })
}

async fn open_offer(section: &StoreSection) -> Result<Offers, Failure> {
    Ok(match section {
        StoreSection::Memory => Offers::of(Arc::new(MemoryOfferStore::new())),
        StoreSection::Database(database) => Offers::of(open_database(database, OFFER).await?),
        StoreSection::Http(http) => {
            let store = HttpOfferStore::try_new(remote(http));
            Offers::of(Arc::new(store.map_err(|error| refuse(OFFER, &error))?))
        }
    })
}

/// Connects to a database and brings it up to date.
async fn open_database(
    database: &DatabaseSection,
    key: &str,
) -> Result<Arc<dyn AllRoles>, Failure> {
    let opened: Result<Arc<dyn AllRoles>, StoreError> = match database.engine {
        Engine::Sqlite => SqliteStore::connect(sqlite(database)).await.map(arc),
        Engine::Postgres => PostgresStore::connect(postgres(database)).await.map(arc),
        Engine::Mysql => MysqlStore::connect(mysql(database)).await.map(arc),
    };
    opened.map_err(|error| refuse(key, &error))
}

fn arc(store: impl AllRoles + 'static) -> Arc<dyn AllRoles> {
    Arc::new(store)
}

/// Brings the databases of a configuration up to date and says which, each once.
///
/// # Errors
/// The first that fails; those before it are up to date.
pub(crate) async fn migrate(config: &Config) -> Result<Vec<String>, Failure> {
    let sections = [
        (DISCOVER, &config.stores.discover),
        (OFFER, &config.stores.offer),
    ];
    let mut migrated: Vec<(&str, String)> = Vec::new();
    for (key, section) in sections {
        let Some(StoreSection::Database(database)) = section else {
            continue;
        };
        if migrated.iter().any(|(url, _)| *url == database.url) {
            continue;
        }
        let done = match database.engine {
            Engine::Sqlite => SqliteStore::migrate(sqlite(database)).await,
            Engine::Postgres => PostgresStore::migrate(postgres(database)).await,
            Engine::Mysql => MysqlStore::migrate(mysql(database)).await,
        };
        done.map_err(|error| refuse(key, &error))?;
        migrated.push((&database.url, database.place()));
    }
    Ok(migrated.into_iter().map(|(_, place)| place).collect())
}

fn sqlite(database: &DatabaseSection) -> SqliteConfig {
    SqliteConfig {
        url: database.url.clone(),
        max_connections: database.max_connections,
    }
}

fn postgres(database: &DatabaseSection) -> PostgresConfig {
    PostgresConfig {
        url: database.url.clone(),
        max_connections: database.max_connections,
    }
}

fn mysql(database: &DatabaseSection) -> MysqlConfig {
    MysqlConfig {
        url: database.url.clone(),
        max_connections: database.max_connections,
    }
}

fn remote(section: &HttpSection) -> HttpStoreConfig {
    let mut config = HttpStoreConfig::new(section.base_url.clone(), &section.authorization);
    config.connect_timeout = section.connect_timeout;
    config.total_timeout = section.total_timeout;
    config.trusted_roots.clone_from(&section.trusted_roots);
    config
}

/// A setting that a store refuses is a mistake of the configuration; all else is bad luck.
fn refuse(key: &str, error: &StoreError) -> Failure {
    let message = ErrorChain(error).to_string();
    match error.kind() {
        StoreErrorKind::Invalid => Failure::Config(ConfigError::Unusable {
            key: key.to_owned(),
            message,
        }),
        _ => Failure::message(format!("{key}: {message}")),
    }
}
