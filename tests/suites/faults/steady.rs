use std::{pin::pin, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::load::Sample;

/// Beyond any deadline of the server's.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks at an even pace for as long as `script` takes, which is told when that began; gives what came of
/// the script and of each request, in the order in which they were due.
///
/// `ask` gives the name of the node that made the invoice.
pub(crate) async fn asking_while<T, F>(
    per_second: u32,
    ask: impl Fn() -> F,
    script: impl AsyncFnOnce(Instant) -> anyhow::Result<T>,
) -> anyhow::Result<(T, Vec<Sample>)>
where
    F: Future<Output = anyhow::Result<String>> + Send + 'static,
{
    let start = Instant::now();
    let mut script = pin!(script(start));
    let mut requests = JoinSet::new();
    let mut number = 0;
    let told = loop {
        let due = Duration::from_secs(1) * number / per_second;
        tokio::select! {
            told = &mut script => break told?,
            () = sleep_until(start + due) => {
                requests.spawn(sample(ask(), start, due));
                number += 1;
            }
        }
    };
    let mut samples = Vec::new();
    while let Some(done) = requests.join_next().await {
        samples.push(done?);
    }
    samples.sort_unstable_by_key(|sample| sample.due);
    Ok((told, samples))
}

async fn sample(
    request: impl Future<Output = anyhow::Result<String>>,
    start: Instant,
    due: Duration,
) -> Sample {
    let lag = start.elapsed().saturating_sub(due);
    let outcome = timeout(PATIENCE, request)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {PATIENCE:?}")));
    Sample {
        due,
        lag,
        took: start.elapsed().saturating_sub(due),
        outcome: outcome.map_err(|error| format!("{error:#}")),
    }
}
