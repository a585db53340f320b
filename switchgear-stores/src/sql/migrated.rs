/// Tells the log of migrations that ran: of several instances that start at once, one says so.
pub(crate) fn tell_migrated(count: usize) {
    tracing::info!("the database's tables were brought up to date: {count} migrations ran");
}
