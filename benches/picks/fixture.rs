//! The fleets that are picked from.

use std::sync::Arc;

use switchgear_benches::{
    fleet::{GOOD, backends, checked, partition},
    keys::Keys,
    requests::Requests,
};
use switchgear_core::{
    Millisatoshi,
    backend::Backend,
    balance::{
        Adaptive, CapacityBias, Check, Consistent, Fleet, FleetConfig, NodeId, Random, RoundRobin,
        Strategy,
    },
};

/// What every request is for.
pub(crate) const AMOUNT: Millisatoshi = Millisatoshi::new(1_000_000);

/// A strategy and what it is called.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) strategy: Arc<dyn Strategy>,
    /// Whether requests have comments.
    pub(crate) keyed: bool,
}

/// All strategies.
pub(crate) fn strategies() -> [Named; 4] {
    let named = |name, strategy| Named {
        name,
        strategy,
        keyed: name == "consistent",
    };
    [
        named("round robin", Arc::new(RoundRobin)),
        named("random", Arc::new(Random)),
        named("consistent", Arc::new(Consistent::default())),
        named("adaptive", Arc::new(Adaptive)),
    ]
}

/// How a fleet's weights differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weights {
    /// Not at all.
    Equal,
    /// From 1 to 100.
    Mixed,
}

impl Weights {
    pub(crate) fn of(self, index: usize) -> u16 {
        // 37 shares no divisor with 100: neighbours differ, and each weight occurs as often.
        let mixed = index * 37 % 100 + 1;
        match self {
            Self::Equal => 1,
            Self::Mixed => u16::try_from(mixed).unwrap_or(u16::MAX),
        }
    }
}

impl Named {
    /// The configuration of a fleet of one partition.
    pub(crate) fn config(&self) -> FleetConfig {
        let mut config = FleetConfig::new([partition(0)].into());
        config.strategy = Arc::clone(&self.strategy);
        config
    }

    /// A fleet whose nodes are all ready.
    pub(crate) fn fleet(&self, nodes: usize, weights: Weights) -> Fleet {
        checked(self.config(), members(nodes, weights), |_| GOOD)
    }

    /// A fleet of which only one node in ten is ready.
    pub(crate) fn mostly_unhealthy(&self, nodes: usize) -> Fleet {
        let check = |index| if index % 10 == 0 { GOOD } else { Check::Bad };
        checked(self.config(), members(nodes, Weights::Equal), check)
    }

    /// A fleet with a capacity bias, half of whose nodes are in range of [`AMOUNT`].
    pub(crate) fn half_in_range(&self, nodes: usize, weights: Weights) -> Fleet {
        self.biased(nodes, weights, |index| index % 2 == 0)
    }

    /// A fleet with a capacity bias, none of whose nodes is in range of [`AMOUNT`].
    pub(crate) fn nobody_in_range(&self, nodes: usize, weights: Weights) -> Fleet {
        self.biased(nodes, weights, |_| false)
    }

    fn biased(&self, nodes: usize, weights: Weights, in_range: impl Fn(usize) -> bool) -> Fleet {
        let mut config = self.config();
        config.capacity_bias = Some(CapacityBias::try_new(0.0).expect("zero is a bias"));
        let too_little = Millisatoshi::new(AMOUNT.msat() / 2);
        let check = |index| Check::Good {
            inbound: Some(if in_range(index) { AMOUNT } else { too_little }),
        };
        checked(config, members(nodes, weights), check)
    }

    /// One pick after the other, each with the comment of another payer where the strategy goes by
    /// comments.
    pub(crate) fn picks(&self, fleet: &Fleet) -> impl FnMut() -> bool + 'static {
        let requests = Requests::new(fleet, &partition(0), AMOUNT);
        let mut keys = self.keyed.then(Keys::new);
        move || requests.pick(keys.as_mut().map(Keys::next_key))
    }
}

/// A node of the fleet that is ready.
pub(crate) fn a_ready_node(fleet: &Fleet) -> NodeId {
    let view = fleet.view();
    let number = view.number(&partition(0)).expect("it is served");
    let picker = view.picker(number).expect("the number is the view's own");
    picker.ready().first().expect("a node is ready").id()
}

/// Backends of one partition.
pub(crate) fn members(nodes: usize, weights: Weights) -> Vec<Backend> {
    backends(nodes, |index| (partition(0), weights.of(index)))
}
