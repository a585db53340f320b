use std::{future::poll_fn, pin::pin, task::Poll};

use serde_json::json;
use switchgear_core::{
    backend::{BackendPatch, DiscoveryBackendStore},
    offer::{Offer, OfferMetadataStore, OfferStore},
    store::{Page, PageStart},
};

use super::{
    outcome::done,
    records::{self, backend, partition},
};

/// How many calls are begun, most of them to be dropped.
const CALLS: u16 = 200;

/// The most polls that a call gets.
const MOST_POLLS: u32 = 24;

/// Checks that calls about backends which are dropped midway do all or nothing, and that the store
/// serves afterwards. It must be empty, and is empty again afterwards.
///
/// # Panics
/// With what the store does otherwise.
pub async fn discovery_cancellation(store: &dyn DiscoveryBackendStore) {
    let subject = backend("cancelled");
    let address = &subject.address;
    done(store.post(subject.clone()).await, "a post");
    let mut polls = Polls::new();
    for n in 1..=CALLS {
        let polls = polls.next();
        // The weight and the name are one: half a patch would show.
        let patch = json!({"weight": n, "name": n.to_string()});
        let patch: BackendPatch = serde_json::from_value(patch).expect("a legal patch");
        match n % 4 {
            0 => dropped_after(polls, store.snapshot(None)).await,
            1 => dropped_after(polls, store.get(address)).await,
            2 => dropped_after(polls, store.post(subject.clone())).await,
            _ => dropped_after(polls, store.patch(address, patch)).await,
        }
        let found = done(store.get(address).await, "a get after a dropped call");
        let found = found.expect("the backend is there");
        let name = found.name.map(|name| name.to_string());
        if found.weight != subject.weight {
            let weight = found.weight.get().to_string();
            assert_eq!(name, Some(weight), "half of a dropped patch");
        }
    }
    let patch = BackendPatch::enabled(false);
    done(
        store.patch(address, patch).await,
        "a patch after dropped calls",
    );
    let found = done(store.get(address).await, "a get").expect("the backend is there");
    assert!(!found.enabled, "a patch after dropped calls");
    done(store.delete(address).await, "a delete after dropped calls");
}

/// Checks that calls about offers which are dropped midway do all or nothing, and that both stores
/// serve afterwards, in partitions of the suite's own. What it wrote is deleted again.
///
/// # Panics
/// With what the stores do otherwise.
pub async fn offers_cancellation(offers: &dyn OfferStore, metadata: &dyn OfferMetadataStore) {
    let partition = partition();
    let text = records::metadata(&partition);
    done(
        metadata.post_metadata(text.clone()).await,
        "a post of metadata",
    );
    let subject = records::offer(&text);
    done(offers.post_offer(subject.clone()).await, "a post");
    let all = Page {
        start: PageStart::Offset(0),
        count: 1_000,
    };
    let mut polls = Polls::new();
    for n in 1..=u64::from(CALLS) {
        let polls = polls.next();
        let new = records::offer(&text);
        let changed = Offer {
            sendable: records::range(n, 2 * n),
            ..subject.clone()
        };
        match n % 4 {
            0 => dropped_after(polls, offers.offers(&partition, all)).await,
            1 => dropped_after(polls, offers.post_offer(new.clone())).await,
            2 => dropped_after(polls, metadata.put_metadata(text.clone())).await,
            _ => dropped_after(polls, offers.put_offer(changed)).await,
        }
        if let Some(found) = done(offers.offer(&partition, new.id).await, "a get") {
            assert_eq!(found, new, "half of a dropped post");
        }
        let found = done(offers.offer(&partition, subject.id).await, "a get");
        let sendable = found.expect("the offer is there").sendable;
        if sendable != subject.sendable {
            let (min, max) = (sendable.min().msat(), sendable.max().msat());
            assert_eq!(max, 2 * min, "half of a dropped put");
        }
    }
    // A dropped post may still come to its end, so what it left is looked for until nothing is left.
    for _ in 0..CALLS {
        let left = done(offers.offers(&partition, all).await, "a list");
        for offer in &left {
            let deleted = offers.delete_offer(&partition, offer.id).await;
            done(deleted, "a delete after dropped calls");
        }
        if metadata.delete_metadata(&partition, text.id).await.is_ok() {
            return;
        }
    }
    panic!("the metadata cannot be deleted after dropped calls");
}

/// How many polls each call gets: a fixed sequence that looks drawn.
struct Polls(u32);

impl Polls {
    fn new() -> Self {
        Self(1)
    }

    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (self.0 >> 16) % MOST_POLLS
    }
}

/// Polls a call so many times at most, and then drops it.
async fn dropped_after<T>(polls: u32, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}
