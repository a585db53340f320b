use std::{fmt, sync::Arc};

use http::request::Parts;
use switchgear_core::store::StoreError;

use crate::{auth::Claims, escape::Escaped};

/// One line for each administrative write: who, what, and how it went.
pub(crate) fn audit<T: fmt::Debug>(
    head: &Parts,
    what: fmt::Arguments<'_>,
    outcome: &Result<T, StoreError>,
) {
    let claims = head.extensions.get::<Arc<Claims>>();
    let who = claims.and_then(|claims| claims.sub.as_deref());
    let who = Escaped(who.unwrap_or("-"));
    match outcome {
        Ok(_) => tracing::info!("{what} by {who}: done"),
        Err(error) => tracing::info!("{what} by {who}: refused, {:?}", error.kind()),
    }
}
