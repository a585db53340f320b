//! Calls of one side, as they are measured.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

use super::{Client, Failure};
use crate::pairs::median;

/// How many invoices one turn asks for, all callers together.
const CALLS: usize = 32;

/// What one turn of a side took.
#[derive(Debug)]
pub struct Turn {
    /// Of each call, in nanoseconds.
    latencies: Vec<f64>,
    /// Nanoseconds of the processor for each call.
    cpu: f64,
}

/// The median of the turns: one that was broken into does not spoil it.
pub fn median_cpu(turns: &[Turn]) -> f64 {
    let cpu: Vec<f64> = turns.iter().map(|turn| turn.cpu).collect();
    median(&cpu)
}

/// The median of all calls.
pub fn median_latency(turns: &[Turn]) -> f64 {
    let all = turns.iter().flat_map(|turn| &turn.latencies);
    median(&all.copied().collect::<Vec<_>>())
}

/// Calls one after the other, by each of the callers side by side.
pub async fn turn(client: &impl Client, callers: usize) -> Result<Turn, Failure> {
    let mut tasks = JoinSet::new();
    let before = process_time();
    for _ in 0..callers {
        let client = client.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::with_capacity(CALLS / callers);
            for _ in 0..CALLS / callers {
                let start = Instant::now();
                client.invoice().await?;
                latencies.push(start.elapsed().as_secs_f64() * 1e9);
            }
            Ok::<_, Failure>(latencies)
        });
    }
    let mut latencies = Vec::with_capacity(CALLS);
    while let Some(caller) = tasks.join_next().await {
        latencies.append(&mut caller??);
    }
    let spent = process_time().saturating_sub(before);
    Ok(Turn {
        cpu: spent.as_secs_f64() * 1e9 / latencies.len() as f64,
        latencies,
    })
}

/// What the processor has spent on this process so far, the kernel's work for it included.
pub fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
