use super::output::say;
use crate::{Failure, compose, config::Config};

/// Brings the databases of a configuration up to date, and says which.
pub(super) async fn migrate(config: Config) -> Result<(), Failure> {
    let migrated = compose::migrate(&config).await?;
    if migrated.is_empty() {
        say("Nothing to migrate: no store is a database");
    }
    for place in migrated {
        say(format_args!("Migrated: {place}"));
    }
    Ok(())
}
