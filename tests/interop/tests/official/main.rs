//! The clients against servers of the nodes' official protos.
//!
//! A real Core Lightning is in no registry of packages: this server stands for it.

#[cfg(test)]
mod cln;
#[cfg(test)]
mod common;
