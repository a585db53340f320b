use std::{
    collections::{BTreeSet, HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use switchgear_core::{
    offer::Offer,
    store::{Page, PageStart},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use crate::{
    records::{backend, metadata, offer, partition},
    stores::Stores,
};

/// What was asked to be written, and what came of it. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    metadata: HashSet<Uuid>,
    offers: HashMap<Uuid, Offer>,
    backends: HashSet<usize>,
    next: usize,
    refused: usize,
    slowest: Duration,
    unanswered: BTreeSet<Instant>,
}

impl Ledger {
    /// How many writes were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        let book = self.0.lock();
        book.metadata.len() + book.offers.len() + book.backends.len()
    }

    /// How many writes were not.
    pub(crate) fn refused(&self) -> usize {
        self.0.lock().refused
    }

    /// How long the slowest took, acknowledged or not.
    pub(crate) fn slowest(&self) -> Duration {
        self.0.lock().slowest
    }

    /// Since when the write has waited that has waited longest.
    pub(crate) fn oldest_unanswered(&self) -> Option<Instant> {
        self.0.lock().unanswered.first().copied()
    }

    /// Writes at an even pace for as long as `script` takes; each write is one request, and none waits for those
    /// before it. Ends when the last has its answer.
    pub(crate) async fn write_while<T>(
        &self,
        stores: &Stores,
        per_second: u32,
        script: impl Future<Output = T>,
    ) -> T {
        let mut script = pin!(script);
        let mut requests = JoinSet::new();
        let start = Instant::now();
        let mut number = 0;
        let told = loop {
            // Two writes each: metadata, and its offer.
            let due = start + Duration::from_secs(2) * number / per_second;
            tokio::select! {
                told = &mut script => break told,
                () = sleep_until(due) => {
                    requests.spawn(self.clone().write_pair(stores.clone()));
                    number += 1;
                }
            }
        };
        while requests.join_next().await.is_some() {}
        told
    }

    /// Writes once; whether that was acknowledged.
    pub(crate) async fn write(&self, stores: &Stores) -> bool {
        let before = self.acknowledged();
        self.clone().write_pair(stores.clone()).await;
        self.acknowledged() > before
    }

    /// In one of ten cases a node and no offer.
    async fn write_pair(self, stores: Stores) {
        let number = {
            let mut book = self.0.lock();
            book.next += 1;
            book.next
        };
        if number % 10 == 0 {
            let put = stores.backends.put(backend(number));
            if self.noted(put).await {
                self.0.lock().backends.insert(number);
            }
            return;
        }
        let record = metadata(Uuid::new_v4());
        let id = record.id;
        if !self.noted(stores.metadata.post_metadata(record)).await {
            return;
        }
        self.0.lock().metadata.insert(id);
        let record = offer(Uuid::new_v4(), id);
        if self.noted(stores.offers.post_offer(record.clone())).await {
            self.0.lock().offers.insert(record.id, record);
        }
    }

    async fn noted<T, E>(&self, write: impl Future<Output = Result<T, E>>) -> bool {
        let start = Instant::now();
        self.0.lock().unanswered.insert(start);
        let is_acknowledged = write.await.is_ok();
        let mut book = self.0.lock();
        book.unanswered.remove(&start);
        book.slowest = book.slowest.max(start.elapsed());
        book.refused += usize::from(!is_acknowledged);
        is_acknowledged
    }

    /// What of the acknowledged is missing or changed, and what else is half: an offer without its metadata.
    pub(crate) async fn losses(&self, stores: &Stores) -> anyhow::Result<Vec<String>> {
        let offers = all_offers(stores).await?;
        let metadata = all_metadata(stores).await?;
        let mut losses = Vec::new();
        let numbers = {
            let book = self.0.lock();
            for id in book.metadata.difference(&metadata) {
                losses.push(format!("metadata {id} was acknowledged and is lost"));
            }
            for (id, written) in &book.offers {
                if offers.get(id) != Some(written) {
                    losses.push(format!(
                        "offer {id} was acknowledged and is lost or changed"
                    ));
                }
            }
            for (id, offer) in &offers {
                if !metadata.contains(&offer.metadata_id) {
                    losses.push(format!("offer {id} has no metadata"));
                }
            }
            book.backends.iter().copied().collect::<Vec<_>>()
        };
        for number in numbers {
            let written = backend(number);
            if stores.backends.get(&written.address).await?.as_ref() != Some(&written) {
                losses.push(format!("backend {number} was acknowledged and is lost"));
            }
        }
        Ok(losses)
    }
}

/// What the offer service gives at once by default.
const PAGE: usize = 100;

/// All offers of the one partition.
pub(crate) async fn all_offers(stores: &Stores) -> anyhow::Result<HashMap<Uuid, Offer>> {
    let mut offers = HashMap::new();
    let mut start = PageStart::Offset(0);
    loop {
        let page = stores
            .offers
            .offers(&partition(), Page { start, count: PAGE })
            .await?;
        let Some(last) = page.last() else {
            return Ok(offers);
        };
        start = PageStart::After(last.id);
        offers.extend(page.into_iter().map(|offer| (offer.id, offer)));
    }
}

/// The ids of all metadata of the one partition.
pub(crate) async fn all_metadata(stores: &Stores) -> anyhow::Result<HashSet<Uuid>> {
    let mut ids = HashSet::new();
    let mut start = PageStart::Offset(0);
    loop {
        let page = Page { start, count: PAGE };
        let page = stores.metadata.metadata_page(&partition(), page).await?;
        let Some(last) = page.last() else {
            return Ok(ids);
        };
        start = PageStart::After(last.id);
        ids.extend(page.into_iter().map(|record| record.id));
    }
}
