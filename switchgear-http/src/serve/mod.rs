//! A listener for any tower service: bind, TLS, HTTP/1.1 and HTTP/2, limits, and a graceful end.
//!
//! A certificate that changes on disk is taken up while it serves.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use http::{Request, Response};
//! use switchgear_http::{body::Body, serve::{ServeConfig, Server}};
//! use tower::service_fn;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind(ServeConfig::new("127.0.0.1:0".parse()?)).await?;
//! println!("listening on {}", server.local_addr());
//!
//! let hello = service_fn(|_: Request<hyper::body::Incoming>| async {
//!     Ok::<_, Infallible>(Response::new(Body::from("hello")))
//! });
//! let shutdown = async {}; // a signal, in a program
//! server.run(hello, shutdown, Duration::from_secs(30)).await?;
//! # Ok(())
//! # }
//! ```

mod activity;
mod certificates;
mod config;
mod connection;
mod door;
mod error;
mod guarded;
mod identity;
mod peer;
mod server;
mod socket;
mod timed_io;
mod tls;
mod tracked;

pub use self::{
    config::{Limits, ServeConfig, TlsPaths},
    error::ServeError,
    peer::PeerAddr,
    server::Server,
};
