use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Takes a service's readiness away before its listeners close: `/health/full` answers 503 from
/// then on, everything else goes on as before. Clones throw the same switch.
#[derive(Debug, Clone, Default)]
pub struct DrainSwitch(Arc<AtomicBool>);

impl DrainSwitch {
    /// Says that this instance is about to go. There is no way back.
    pub fn drain(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was thrown.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
