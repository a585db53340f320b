use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// A node's share of its partitions' invoices: 0 to 65535, relative to the others. 0 drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(u16);

impl Weight {
    /// Takes nothing and stays listed.
    pub const DRAIN: Self = Self(0);

    /// The share of an ordinary node.
    pub const ONE: Self = Self(1);

    /// Any `u16` is a weight.
    pub const fn new(weight: u16) -> Self {
        Self(weight)
    }

    /// The share as a number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The share of a node that takes part, `None` for one that drains.
    pub const fn non_zero(self) -> Option<NonZeroU16> {
        NonZeroU16::new(self.0)
    }

    /// Whether the node drains.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}
