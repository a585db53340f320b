//! LNURL, discovery and offer services as tower services and layers on hyper.
//!
//! Each service is a `tower::Service` over `http` types, generic over the request's body, and each
//! concern is a layer of its own: mount them in any hyper, axum or tonic server, or let
//! [`serve::Server`] listen for them. No web framework stands in the public interface.
//!
//! | module | what it is |
//! |---|---|
//! | [`lnurl`] | the public service: offers, invoices, bech32, QR, health |
//! | [`discovery`], [`offer`] | the administrative services |
//! | [`auth`] | tokens, keys and the layer that asks for them |
//! | [`client`] | who asks, behind trusted proxies too |
//! | [`host`] | strict hosts, and the list of those served |
//! | [`request_id`] | a name for each request |
//! | [`access_log`] | one line for each request |
//! | [`failure`] | answers for what has none: the styles of errors, panics |
//! | [`head`] | at most so much head of a request |
//! | [`shed`] | at most so many requests at once |
//! | [`deadline`] | at most so long for a request |
//! | [`body`] | bodies and their limit |
//! | [`cors`] | pages of every origin may ask |
//! | [`problem`] | errors by RFC 9457 |
//! | [`serve`] | listeners: TLS, HTTP/1.1 and HTTP/2, limits, graceful shutdown |
//!
//! A layer is generic over the bodies of requests and, as long as they hold [`Bytes`](bytes::Bytes), of
//! the inner service's answers: a foreign service can be wrapped as it is. Where it answers itself, in
//! one of the [styles](failure::ErrorStyle), the body is `Either` of both.
//!
//! A whole stack, from the outside in, each part at will: [`request_id::RequestIdLayer`],
//! [`access_log::AccessLogLayer`], [`failure::PanicAnswer::layer`], [`head::HeadLimitLayer`],
//! [`shed::ShedLayer`], [`deadline::DeadlineLayer`], [`client::ClientLayer`], [`host::HostLayer`],
//! [`auth::BearerLayer`] for an administrative service, [`body::BodyLimitLayer`], [`cors::open`], the
//! service.
//!
//! It keeps no state of its own and decides nothing about nodes or offers: stores and balancer come
//! in as the traits of `switchgear-core`. It believes no forwarded header but a trusted proxy's.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, StatusCode};
//! use switchgear_http::{
//!     auth::{Audience, Authority, BearerLayer, SigningKey},
//!     body::Body,
//!     discovery::DiscoveryService,
//! };
//! use switchgear_stores::memory::MemoryDiscoveryStore;
//! use tower::{Layer as _, ServiceExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = SigningKey::generate()?;
//! let authority = Authority::from_pem(keys.public_pem.as_bytes(), Audience::Discovery)?;
//! let service = DiscoveryService::new(Arc::new(MemoryDiscoveryStore::new()));
//! let service = BearerLayer::new(authority, "discovery").layer(service);
//!
//! let request = Request::get("/discovery").body(Body::empty())?;
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

pub mod access_log;
pub mod auth;
pub mod body;
pub mod client;
pub mod cors;
pub mod deadline;
pub mod discovery;
pub mod failure;
pub mod head;
pub mod host;
pub mod lnurl;
pub mod offer;
pub mod problem;
pub mod request_id;
pub mod serve;
pub mod shed;

mod api;
mod caching;
mod clock;
mod escape;
mod etag;
mod reply;
mod rest;
mod watch;

#[cfg(test)]
mod testing;
