//! Faults of nodes, under load: `swgr` as a process of its own, with SQLite, before simulated nodes.
//!
//! Each test is called by the law that it holds `swgr` to. It asserts that the fault happened, and
//! ends with a [`Row`](row::Row): what was measured, against what must hold.
//!
//! `SWITCHGEAR_LONG=true` selects the whole sizes, and keeps the rows.

mod apart;
mod fleet;
mod footprint;
mod load;
mod meter;
mod network;
mod row;
mod stage;
mod steady;
mod window;

use switchgear_tests::size;

mod b10_stores_gone;
mod b11_large_fleet;
mod b1_killed_node;
mod b2_black_hole;
mod b2_frozen_node;
mod b3_late_nodes;
mod b4_broken_connections;
mod b5_refusals;
mod b6_lies;
mod b7_all_down;
mod b8_retry_storm;
mod b9_rolling_restart;
mod flat;
mod late_credentials;
