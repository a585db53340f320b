//! The clients against simulated nodes: real gRPC, real TLS, real invoices, over loopback.

#[cfg(test)]
mod common;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod lnd;
#[cfg(test)]
mod tls;
