use std::num::NonZeroU32;

use tracing::{info, warn};

/// Whether the bound of a round, where there is one, keeps requests from nodes of the fleet.
#[derive(Debug)]
pub(super) struct RoundBound {
    max_iterations: Option<NonZeroU32>,
    is_below: bool,
}

/// What an operator is to hear of the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundNews {
    /// It has come below the number of nodes.
    Below { bound: NonZeroU32, nodes: usize },
    /// It no longer is.
    Enough { bound: NonZeroU32, nodes: usize },
}

impl RoundBound {
    pub(super) fn new(max_iterations: Option<NonZeroU32>) -> Self {
        Self {
            max_iterations,
            is_below: false,
        }
    }

    /// Compares the bound with a fleet of so many nodes; the answer is what that changed.
    pub(super) fn compare(&mut self, nodes: usize) -> Option<BoundNews> {
        let bound = self.max_iterations?;
        let is_below = usize::try_from(bound.get()).is_ok_and(|bound| bound < nodes);
        let was_below = std::mem::replace(&mut self.is_below, is_below);
        match (was_below, is_below) {
            (false, true) => Some(BoundNews::Below { bound, nodes }),
            (true, false) => Some(BoundNews::Enough { bound, nodes }),
            _ => None,
        }
    }
}

impl BoundNews {
    pub(super) fn log(self) {
        match self {
            Self::Below { bound, nodes } => warn!(
                "max-iterations is below the number of nodes: a request asks at most {bound} of \
                 {nodes} in a round, and may fail though another could make its invoice"
            ),
            Self::Enough { bound, nodes } => {
                info!("max-iterations is no longer below the number of nodes: {bound} and {nodes}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_once_when_the_fleet_outgrows_it_and_says_when_that_is_over() {
        let bound = NonZeroU32::new(2).unwrap();
        let below = Some(BoundNews::Below { bound, nodes: 3 });
        let enough = Some(BoundNews::Enough { bound, nodes: 2 });
        let mut told = RoundBound::new(Some(bound));
        for (nodes, news) in [(0, None), (2, None), (3, below), (4, None), (2, enough)] {
            assert_eq!(told.compare(nodes), news, "{nodes}");
        }
        assert_eq!(RoundBound::new(None).compare(1_000), None);
    }
}
