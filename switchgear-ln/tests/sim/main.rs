//! The clients and the balancer against simulated nodes: real gRPC, real TLS, real invoices, over loopback.

#[cfg(test)]
mod balancer;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod cln;
#[cfg(test)]
mod common;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod lnd;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tls;
