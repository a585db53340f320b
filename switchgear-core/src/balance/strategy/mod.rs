//! Who is asked first: a [`Strategy`] each in its own file, behind one small trait.
//!
//! ```text
//!   Strategy ──prepare──▶ Chooser, with its tables        once for each publication
//!   Chooser ──choose──▶ Choice: whom first, and the key    once for each round of a request
//!                       that orders all the others
//! ```
//!
//! The order behind the first is the same for all strategies: a weighted draw without replacement,
//! by rendezvous hashing of the choice's key. Under a key of its own for each request, a failing
//! node's load falls on all others by their weights; under the same key, on the same ones.

mod adaptive;
mod among;
mod consistent;
mod draw;
mod load_factor;
mod random;
mod round_robin;

use std::fmt;

pub(super) use self::draw::scale_to_place;
pub use self::{
    adaptive::Adaptive, among::Among, consistent::Consistent, draw::Draw, load_factor::LoadFactor,
    random::Random, round_robin::RoundRobin,
};
use super::{AffinityKey, Seats};
use crate::{Millisatoshi, Moment};

/// What a request tells a strategy of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// When the round begins.
    pub now: Moment,
    /// What the invoice is to be for.
    pub amount: Millisatoshi,
    /// What consistent hashing goes by, where the payer gave a comment.
    pub key: Option<AffinityKey>,
}

/// Says who is asked first, and what orders the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Below the number of seats that there were to choose among.
    pub seat: usize,
    /// Orders all seats but the first; the same key, the same order.
    pub rest: AffinityKey,
}

/// How invoices are shared out among the ready nodes of a partition.
///
/// The strategies of this crate are [`RoundRobin`], [`Random`], [`Consistent`] and [`Adaptive`]. One of
/// your own needs no more than these two traits:
///
/// ```
/// use switchgear_core::balance::{Among, Choice, Chooser, Draw, Pick, Seats, Strategy};
///
/// /// Asks the node with the fewest calls under way.
/// #[derive(Debug)]
/// struct LeastInFlight;
///
/// impl Strategy for LeastInFlight {
///     fn prepare(&self, _ready: &Seats) -> Box<dyn Chooser> {
///         Box::new(LeastInFlight)
///     }
/// }
///
/// impl Chooser for LeastInFlight {
///     fn choose(&self, among: &Among<'_>, _pick: &Pick, draw: &mut Draw<'_>) -> Choice {
///         let idlest = (0..among.len()).min_by_key(|seat| among.node(*seat).map(|node| node.in_flight()));
///         Choice { seat: idlest.unwrap_or(0), rest: draw.key() }
///     }
/// }
///
/// # use std::{collections::BTreeSet, sync::Arc};
/// # use switchgear_core::{Partition, balance::{Fleet, FleetConfig}};
/// let partition = Partition::try_new("default").unwrap();
/// let mut config = FleetConfig::new(BTreeSet::from([partition]));
/// config.strategy = Arc::new(LeastInFlight);
/// let fleet = Fleet::new(config);
/// ```
pub trait Strategy: fmt::Debug + Send + Sync {
    /// Builds what choices need of these nodes, off the path of requests. It is called for each change
    /// of a partition's ready nodes, their weights or their order.
    fn prepare(&self, ready: &Seats) -> Box<dyn Chooser>;
}

/// A strategy with its tables for one set of ready nodes. It is shared by all requests: what it must
/// remember from choice to choice it takes from `draw`.
pub trait Chooser: fmt::Debug + Send + Sync {
    /// Chooses among the first seats of those that it was prepared for: all of them, or those in range
    /// of the amount. There is at least one. A seat out of bounds is taken for the first.
    fn choose(&self, among: &Among<'_>, pick: &Pick, draw: &mut Draw<'_>) -> Choice;
}
