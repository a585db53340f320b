use std::{future::Future, path::Path};

use switchgear_core::ErrorChain;
use switchgear_http::auth::{Audience, WatchedAuthority};

use crate::{
    Failure,
    config::{ConfigError, ServiceKind},
};

/// The public keys in the `auth-authority` of `kind`, and the task that keeps them up with the file.
pub(super) fn read(
    path: &Path,
    audience: Audience,
    kind: ServiceKind,
) -> Result<
    (
        WatchedAuthority,
        impl Future<Output = ()> + Send + 'static + use<>,
    ),
    Failure,
> {
    WatchedAuthority::read(path, audience).map_err(|error| {
        Failure::Config(ConfigError::Unusable {
            key: format!("{}.auth-authority", kind.key()),
            message: format!("{}: {}", path.display(), ErrorChain(&error)),
        })
    })
}
