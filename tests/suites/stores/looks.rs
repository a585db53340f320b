use std::{pin::pin, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::site::{Shown, Site};

/// What payers who looked at an offer were shown.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    offers: usize,
    errors: usize,
    nonsense: Vec<String>,
    slowest: Duration,
}

impl Looks {
    /// Looks at an even pace for as long as `script` takes; none waits for those before it.
    pub(crate) async fn look_while<T>(
        &self,
        site: &Site,
        offer: Uuid,
        per_second: u32,
        script: impl Future<Output = T>,
    ) -> T {
        let mut script = pin!(script);
        let mut looks = FuturesUnordered::new();
        let start = Instant::now();
        let mut number = 0;
        let told = loop {
            let due = start + Duration::from_secs(1) * number / per_second;
            tokio::select! {
                told = &mut script => break told,
                () = sleep_until(due) => {
                    looks.push(self.look(site, offer));
                    number += 1;
                }
                Some(()) = looks.next() => {}
            }
        };
        while looks.next().await.is_some() {}
        told
    }

    async fn look(&self, site: &Site, offer: Uuid) {
        let start = Instant::now();
        let shown = site.look(offer).await;
        let mut seen = self.0.lock();
        seen.slowest = seen.slowest.max(start.elapsed());
        match shown {
            Shown::Offer => seen.offers += 1,
            Shown::Error => seen.errors += 1,
            Shown::Nonsense(what) => seen.nonsense.push(what),
        }
    }

    /// What was neither the offer nor an error as LUD-06 has it.
    pub(crate) fn nonsense(&self) -> Vec<String> {
        self.0.lock().nonsense.clone()
    }

    /// How often it was an error.
    pub(crate) fn errors(&self) -> usize {
        self.0.lock().errors
    }

    /// How long the slowest look took.
    pub(crate) fn slowest(&self) -> Duration {
        self.0.lock().slowest
    }

    pub(crate) fn in_words(&self) -> String {
        let seen = self.0.lock();
        let (offers, errors, slowest) = (seen.offers, seen.errors, seen.slowest);
        format!(
            "a payer is shown the offer {offers} times, an error {errors} times, the slowest after {slowest:.1?}"
        )
    }
}
