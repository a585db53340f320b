use std::{num::NonZeroU32, time::Duration};

use switchgear_core::{
    balance::{Backoff, CapacityBias},
    ln::Network,
};

use super::{
    reader::{Leaf, Section},
    scalar::{boolean, integer, number, seconds, word},
    selection::{self, Selection},
};

/// The keys of `lnurl-service` that say how nodes are watched and asked.
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceSection {
    /// `health-check-frequency-secs`, by default 1.
    pub health_period: Duration,
    /// `parallel-health-check`, by default true.
    pub parallel_health_checks: bool,
    /// `health-check-consecutive-success-to-healthy`, by default 1.
    pub rise: NonZeroU32,
    /// `health-check-consecutive-failure-to-unhealthy`, by default 1.
    pub fall: NonZeroU32,
    /// `backend-update-frequency-secs`, by default 1.
    pub discovery_period: Duration,
    /// `ln-client-timeout-secs`, by default 2: for connecting to a node and for its health checks.
    pub client_timeout: Duration,
    /// `ln-system-roots`, by default false: whether nodes may also show certificates that the operating
    /// system's roots signed, for the node's own name.
    pub system_roots: bool,
    /// `invoice-timeout-secs`: the bound of one attempt, by default `ln-client-timeout-secs`.
    pub invoice_timeout: Duration,
    /// `hedge-after-secs`: with no answer by then the next node is asked beside the first; by default
    /// never.
    pub hedge_after: Option<Duration>,
    /// `backoff`: how long to wait between rounds.
    pub backoff: Backoff,
    /// `backoff.max-elapsed-time-secs`: when a request is given up, by default after 5 s.
    pub deadline: Duration,
    /// `backend-selection`, by default round robin.
    pub selection: Selection,
    /// `selection-capacity-bias`: how much inbound capacity a node must have to come first, by default
    /// any.
    pub capacity_bias: Option<CapacityBias>,
    /// `network`: what invoices must be for; by default whatever their node is on.
    pub network: Option<Network>,
    /// `verify-invoices`, by default true.
    pub verify_invoices: bool,
}

pub(super) fn read(section: &mut Section<'_>) -> BalanceSection {
    let client_timeout = section.leaf("ln-client-timeout-secs", seconds);
    let client_timeout = client_timeout.unwrap_or(Duration::from_secs(2));
    let invoice_timeout = section.leaf("invoice-timeout-secs", seconds);
    let (backoff, deadline) = read_backoff(section);
    BalanceSection {
        health_period: period(section, "health-check-frequency-secs"),
        parallel_health_checks: switch(section, "parallel-health-check"),
        rise: threshold(section, "health-check-consecutive-success-to-healthy"),
        fall: threshold(section, "health-check-consecutive-failure-to-unhealthy"),
        discovery_period: period(section, "backend-update-frequency-secs"),
        client_timeout,
        system_roots: section.leaf("ln-system-roots", boolean).unwrap_or(false),
        invoice_timeout: invoice_timeout.unwrap_or(client_timeout),
        hedge_after: section.leaf("hedge-after-secs", seconds),
        backoff,
        deadline,
        selection: selection::read(section),
        capacity_bias: section.leaf("selection-capacity-bias", bias),
        network: section.leaf("network", |leaf| {
            let text = leaf.text().trim();
            text.parse()
                .map_err(|_| format!("must be bitcoin, testnet, signet or regtest, not `{text}`"))
        }),
        verify_invoices: switch(section, "verify-invoices"),
    }
}

fn bias(leaf: &Leaf<'_>) -> Result<CapacityBias, String> {
    let bias = number(CapacityBias::MIN..=CapacityBias::MAX)(leaf)?;
    CapacityBias::try_new(bias).map_err(|error| error.reason().to_owned())
}

fn read_backoff(parent: &mut Section<'_>) -> (Backoff, Duration) {
    const DEADLINE: Duration = Duration::from_secs(5);
    const KINDS: &[(&str, bool)] = &[("exponential", true), ("stop", false)];

    let Some(mut section) = parent.optional_child("backoff") else {
        return (exponential(&Growth::default()), DEADLINE);
    };
    let grows = section.leaf("type", word(KINDS)).unwrap_or(true);
    let deadline = section.leaf("max-elapsed-time-secs", seconds);
    let growth = read_growth(&mut section, grows);
    let backoff = if grows {
        exponential(&growth)
    } else {
        Backoff::Stop
    };
    section.finish();
    (backoff, deadline.unwrap_or(DEADLINE))
}

struct Growth {
    initial: Duration,
    multiplier: f64,
    randomization: f64,
    max_interval: Duration,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            multiplier: 2.0,
            randomization: 0.5,
            max_interval: Duration::from_secs(60),
        }
    }
}

/// The keys of the exponential back-off; beside `stop` they are checked, and warned of.
fn read_growth(section: &mut Section<'_>, grows: bool) -> Growth {
    let default = Growth::default();
    let initial = section.leaf("initial-interval-secs", seconds);
    let multiplier = section.leaf("multiplier", number(1.0..=1_000.0));
    let randomization = section.leaf("randomization-factor", number(0.0..=1.0));
    let max_interval = section.leaf("max-interval-secs", seconds);
    let idle = initial.is_some()
        || multiplier.is_some()
        || randomization.is_some()
        || max_interval.is_some();
    if idle && !grows {
        let message = "only type and max-elapsed-time-secs have an effect with `stop`";
        section
            .sink()
            .warning(section.at(), section.path(), message);
    }
    let initial =
        initial.unwrap_or_else(|| default.initial.min(max_interval.unwrap_or(Duration::MAX)));
    let longest = max_interval.unwrap_or_else(|| default.max_interval.max(initial));
    if initial > longest {
        let at = section.position("max-interval-secs");
        let path = super::reader::join(section.path(), "max-interval-secs");
        let message = "must not be below initial-interval-secs";
        section.sink().error(at, &path, message, None);
    }
    Growth {
        initial: initial.min(longest),
        multiplier: multiplier.unwrap_or(default.multiplier),
        randomization: randomization.unwrap_or(default.randomization),
        max_interval: longest,
    }
}

fn exponential(growth: &Growth) -> Backoff {
    Backoff::try_exponential(
        growth.initial,
        growth.multiplier,
        growth.randomization,
        growth.max_interval,
    )
    .expect("each value was read within its range")
}

fn period(section: &mut Section<'_>, key: &'static str) -> Duration {
    section.leaf(key, seconds).unwrap_or(Duration::from_secs(1))
}

fn switch(section: &mut Section<'_>, key: &'static str) -> bool {
    section.leaf(key, boolean).unwrap_or(true)
}

fn threshold(section: &mut Section<'_>, key: &'static str) -> NonZeroU32 {
    section
        .leaf(key, integer(1..=1_000_000))
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}
