//! How long a QR code takes that nobody has kept.

use std::time::Instant;

use switchgear_benches::{
    invoices::{self, Failure, Node},
    limits::Limits,
};
use tokio::runtime::Runtime;

use crate::ours::Ours;

/// How often it is drawn, and the most milliseconds that it may take.
const DRAWN: usize = 101;
const AT_MOST: f64 = 2.0;

/// The picture at its usual size, from the request to its last byte.
pub(crate) fn figures(runtime: &Runtime, limits: &mut Limits) -> Result<(), Failure> {
    let name = "a QR code of an offer";
    if !limits.asks_for(name) {
        return Ok(());
    }
    let node = Node::start()?;
    let taken = runtime.block_on(async {
        let balancer = invoices::Ours::start(invoices::Ours::config(), vec![node.backend.clone()]);
        let balancer = balancer.await?;
        let ours = Ours::start(balancer.balancer()).await?;
        let mut taken = Vec::with_capacity(DRAWN);
        for _ in 0..DRAWN {
            let begun = Instant::now();
            let picture = ours.answer(&ours.picture()).await?;
            taken.push(begun.elapsed().as_secs_f64() * 1e3);
            if !picture.status().is_success() {
                return Err(Failure::from("there is no picture"));
            }
        }
        Ok(taken)
    })?;
    Ok(limits.figures(name, "ms", AT_MOST, || taken)?)
}
