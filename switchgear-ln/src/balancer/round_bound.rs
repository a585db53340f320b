use std::num::NonZeroU32;

use tracing::{info, warn};

/// Whether the bound of a round, where there is one, keeps requests from nodes of the fleet.
#[derive(Debug)]
pub(super) struct RoundBound {
    max_iterations: Option<NonZeroU32>,
    is_below: bool,
}

impl RoundBound {
    pub(super) fn new(max_iterations: Option<NonZeroU32>) -> Self {
        Self {
            max_iterations,
            is_below: false,
        }
    }

    /// Compares the bound with a fleet of so many nodes; logs when it has come below, or no longer is.
    pub(super) fn compare(&mut self, nodes: usize) {
        let Some(bound) = self.max_iterations else {
            return;
        };
        let is_below = usize::try_from(bound.get()).is_ok_and(|bound| bound < nodes);
        if is_below == std::mem::replace(&mut self.is_below, is_below) {
            return;
        }
        if is_below {
            warn!(
                "max-iterations is below the number of nodes: a request asks at most {bound} of \
                 {nodes} in a round, and may fail though another could make its invoice"
            );
        } else {
            info!("max-iterations is no longer below the number of nodes: {bound} and {nodes}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_below_a_fleet_that_is_larger() {
        let mut bound = RoundBound::new(NonZeroU32::new(2));
        for (nodes, is_below) in [(0, false), (2, false), (3, true), (4, true), (2, false)] {
            bound.compare(nodes);
            assert_eq!(bound.is_below, is_below, "{nodes}");
        }
        let mut unbounded = RoundBound::new(None);
        unbounded.compare(1_000);
        assert!(!unbounded.is_below);
    }
}
