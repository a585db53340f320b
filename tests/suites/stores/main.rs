//! Stores that lose nothing: every store over real databases, and what happens to them.
//!
//! Each test of a law is called by it, asserts that the fault happened, and ends with a
//! [`Row`](row::Row): what was measured, against what must hold.
//!
//! `SWITCHGEAR_LONG=true` selects the whole sizes, and keeps the rows. A database that this machine lacks
//! is named, and fails under `CI=true`.

mod load;
mod looks;
mod migration_lock;
mod place;
mod records;
mod services;
mod site;
mod stores;

use switchgear_tests::{row, size};

mod conformance;
mod g1_killed_process;
mod g2_cancelled_requests;
mod g3_database_faults;
mod g9_migrations;
mod language;
mod scale;
mod servers;
mod strangers;
mod tls;
mod unreadable;
