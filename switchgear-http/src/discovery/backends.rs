//! The operations on backends, one for each method.

use std::error::Error;

use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use switchgear_core::{
    backend::{Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore},
    store::{StoreErrorKind, Written},
};

use super::{etag, leniency};
use crate::{
    body::Body,
    caching,
    etag::matches,
    problem::Problem,
    reply,
    rest::{self, Located, audited},
};

pub(super) async fn list(
    store: &dyn DiscoveryBackendStore,
    head: &Parts,
) -> Result<Response<Body>, Problem> {
    let known = etag::known(&head.headers);
    let snapshot = store.snapshot(known.as_ref()).await?;
    let (tag, backends, left_out) = match snapshot {
        BackendSnapshot::Unchanged => {
            return Ok(unchanged(head.headers.get(header::IF_NONE_MATCH).cloned()));
        }
        BackendSnapshot::Changed {
            version,
            backends,
            left_out,
        } => (etag::of(&version), backends, left_out),
    };
    // A backup must not lose in silence what a balancer can do without.
    if !left_out.is_empty() && !leniency::is_preferred(&head.headers) {
        return Err(leniency::refusal(&left_out));
    }
    if matches(&head.headers, &tag) {
        return Ok(unchanged(Some(tag)));
    }
    let listed: Vec<_> = backends.into_iter().map(located).collect();
    let mut response = rest::fresh(&listed);
    response.headers_mut().insert(header::ETAG, tag);
    if !left_out.is_empty() {
        leniency::apply(response.headers_mut(), &left_out);
    }
    Ok(response)
}

pub(super) async fn get(
    store: &dyn DiscoveryBackendStore,
    address: &BackendAddress,
) -> Result<Response<Body>, Problem> {
    match store.get(address).await? {
        Some(backend) => Ok(rest::fresh(&located(backend))),
        None => Err(rest::no_record("backend")),
    }
}

pub(super) async fn post<B>(
    store: &dyn DiscoveryBackendStore,
    head: &Parts,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut object = rest::object(&head.headers, body).await?;
    rest::ignore_location(&mut object);
    let backend: Backend = rest::decode(object)?;
    let location = backend.address.to_string();
    let what = format!("post backend {location}");
    match audited(head, what, store.post(backend)).await {
        Ok(()) => Ok(rest::created(&location)),
        Err(error) if error.kind() == StoreErrorKind::Conflict => {
            Err(Problem::from(error).with_header(header::LOCATION, rest::location_value(&location)))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn put<B>(
    store: &dyn DiscoveryBackendStore,
    head: &Parts,
    address: BackendAddress,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let location = address.to_string();
    let mut object = rest::object(&head.headers, body).await?;
    rest::settle_key(&mut object, "address", &address)?;
    rest::settle_location(&mut object, |text| text.parse() == Ok(address))?;
    let backend: Backend = rest::decode(object)?;
    let what = format!("put backend {location}");
    match audited(head, what, store.put(backend)).await? {
        Written::Created => Ok(rest::created(&location)),
        Written::Updated => Ok(rest::done()),
    }
}

pub(super) async fn patch<B>(
    store: &dyn DiscoveryBackendStore,
    head: &Parts,
    address: BackendAddress,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let patch: BackendPatch = rest::decode(rest::object(&head.headers, body).await?)?;
    let what = format!("patch backend {address}");
    audited(head, what, store.patch(&address, patch)).await?;
    Ok(rest::done())
}

pub(super) async fn delete(
    store: &dyn DiscoveryBackendStore,
    head: &Parts,
    address: &BackendAddress,
) -> Result<Response<Body>, Problem> {
    let what = format!("delete backend {address}");
    audited(head, what, store.delete(address)).await?;
    Ok(rest::done())
}

fn located(backend: Backend) -> Located<Backend> {
    Located {
        location: backend.address.to_string(),
        record: backend,
    }
}

/// 304 with the tag and the caching of the answer that it stands for (RFC 9110, 15.4.5).
fn unchanged(tag: Option<HeaderValue>) -> Response<Body> {
    let mut response = reply::empty(StatusCode::NOT_MODIFIED);
    caching::forbid(response.headers_mut());
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
