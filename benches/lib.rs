//! How fast switchgear is: benches over the crates of this workspace, and what they share. [`pairs`]
//! measures, [`cases`] runs and reports what was asked for, [`limits`] reports what needs no baseline,
//! [`fleet`] and [`keys`] are what is measured on, [`requests`] picks, and [`invoices`] are asked for.

pub mod cases;
pub mod fleet;
pub mod invoices;
pub mod keys;
pub mod limits;
pub mod pairs;
pub mod requests;
