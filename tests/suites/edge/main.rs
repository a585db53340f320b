//! The HTTP services before hostile strangers: `swgr` as a process of its own, over real sockets,
//! plain and with TLS, before simulated nodes.
//!
//! Each file holds `swgr` to one law, and is called by it. Laws of numbers and times end with a
//! [`Row`](switchgear_tests::row::Row): what was measured, against what must hold. `SWITCHGEAR_LONG=true`
//! selects the whole sizes, and keeps the rows.
//!
//! Refusals of a rate limit (429) are none of C5's yet: there are no rate limits.

mod admin;
mod canaries;
mod case;
mod frames;
mod honest;
mod http2;
mod load;
mod offers;
mod smuggling;
mod stage;
mod tap;
mod text;
mod tokens;
mod victim;

use switchgear_tests::size;

mod c1_invoices;
mod c2_amounts;
mod c3_bounds;
mod c4_comments;
mod c5_answers;
mod c6_lookups;
mod c7_lnurls;
mod d1_slow_clients;
mod d2_http2_floods;
mod d3_malformed;
mod d4_hosts;
mod d5_paths;
mod d6_caches;
mod e1_bad_tokens;
mod e2_every_route;
mod e3_rotation;
mod e4_canaries;
mod e5_least_rights;
