use std::{io, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use switchgear_core::{Millisatoshi, backend::PublicKey};

use super::{
    Fault, FaultKind, SimNodeConfig, SimNodeKind,
    counters::Counters,
    credentials::Credentials,
    invoice::{Signer, random_key, seeded_key},
    invoices::Invoices,
    shown::Shown,
    wire::Gate,
};

/// What a simulated node is, has done and is told to do; its calls and connections share it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) alias: String,
    pub(super) kind: SimNodeKind,
    pub(super) public_key: PublicKey,
    pub(super) signer: Signer,
    pub(super) inbound: Mutex<Millisatoshi>,
    pub(super) latency: Mutex<Latency>,
    pub(super) credentials: Mutex<Credentials>,
    pub(super) shown: ArcSwap<Shown>,
    pub(super) gate: Arc<Gate>,
    pub(super) fault: ArcSwapOption<Fault>,
    pub(super) counters: Arc<Counters>,
    pub(super) invoices: Mutex<Invoices>,
}

impl State {
    /// A node that nobody reaches yet.
    pub(super) fn try_new(config: SimNodeConfig) -> io::Result<Self> {
        let signer = Signer {
            key: config.seed.map_or_else(random_key, seeded_key),
            network: config.network,
        };
        let credentials = Credentials::new(config.kind, &config.directory)?;
        let counters = Arc::new(Counters::default());
        Ok(Self {
            alias: config.alias,
            kind: config.kind,
            public_key: PublicKey::from(signer.public_key()),
            signer,
            inbound: Mutex::new(config.inbound),
            latency: Mutex::new(Latency {
                usual: config.latency,
                jitter: config.jitter,
            }),
            shown: ArcSwap::from_pointee(Shown::own(credentials.server())),
            credentials: Mutex::new(credentials),
            gate: Arc::new(Gate::new(Arc::clone(&counters))),
            fault: ArcSwapOption::empty(),
            counters,
            invoices: Mutex::new(Invoices::default()),
        })
    }

    /// What the next call meets.
    pub(super) fn rolled_fault(&self) -> Option<Fault> {
        self.fault.load().as_deref()?.rolled().cloned()
    }

    pub(super) fn fault_kind(&self) -> Option<FaultKind> {
        self.fault.load().as_deref().map(Fault::kind)
    }

    /// How long the next answer takes.
    pub(super) fn delay(&self) -> Duration {
        let Latency { usual, jitter } = *self.latency.lock();
        if jitter.is_zero() {
            return usual;
        }
        usual + jitter.mul_f64(rand::random())
    }
}

/// How long a healthy node takes to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    pub(super) usual: Duration,
    /// As much may come on top, evenly spread.
    pub(super) jitter: Duration,
}
