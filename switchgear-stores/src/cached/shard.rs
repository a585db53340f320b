use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use switchgear_core::offer::PayableOffer;
use tokio::time::Instant;

use super::{
    Answer,
    flight::{Flight, Landed},
    key::{Key, Owned},
    shelf::Shelf,
};

/// What an offer takes beside its metadata, in bytes: itself, its name, its slot in a map that is half
/// full, and its turns.
const OFFER_OVERHEAD: usize = 640;

/// What an id without an offer takes, in the same way.
const ABSENCE_WEIGHT: usize = 400;

/// A part of the cache: the answers that it holds, and the loads under way.
#[derive(Debug)]
pub(super) struct Shard {
    offers: Shelf<Held>,
    absences: Shelf<Absence>,
    flights: HashMap<u64, Arc<Flight>>,
}

/// An offer, as the store had it when the load of it began or later.
#[derive(Debug)]
struct Held {
    owner: Owned,
    offer: Arc<PayableOffer>,
    began: Instant,
    /// Whether a write that failed may have changed it since.
    is_doubted: bool,
    rest: Option<Rest>,
}

/// After a load that failed: for how long the offer is served without asking.
#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    /// The doubts of the load. A write since then is reason enough to ask again.
    doubts: u64,
}

/// An id that had no offer.
#[derive(Debug)]
struct Absence {
    owner: Owned,
    began: Instant,
}

/// An offer to fall back on, past its time.
#[derive(Debug, Clone)]
pub(super) struct Stale {
    pub(super) offer: Arc<PayableOffer>,
    pub(super) began: Instant,
    /// Whether the store failed just now, and is not asked yet.
    pub(super) is_resting: bool,
}

/// What a shard holds.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Content {
    pub(super) offers: usize,
    pub(super) absences: usize,
    pub(super) bytes: usize,
}

impl Shard {
    pub(super) fn new(offer_bytes: usize, absence_bytes: usize) -> Self {
        Self {
            offers: Shelf::new(offer_bytes),
            absences: Shelf::new(absence_bytes),
            flights: HashMap::new(),
        }
    }

    /// The answer, where it is younger than `ttl`.
    pub(super) fn fresh(&self, key: &Key<'_>, now: Instant, ttl: Duration) -> Option<Answer> {
        let is_fresh = |began: Instant| now.saturating_duration_since(began) < ttl;
        let held = self.offers.get(key.fingerprint);
        let is_known = |held: &&Held| held.owner.is_undoubted(key) && !held.is_doubted;
        if let Some(held) = held.filter(|held| is_known(held) && is_fresh(held.began)) {
            return Some(Some(Arc::clone(&held.offer)));
        }
        let absence = self.absences.get(key.fingerprint)?;
        (absence.owner.is_undoubted(key) && is_fresh(absence.began)).then_some(None)
    }

    /// An offer that was there, where it is younger than `limit`. An id that had none is no answer to
    /// fall back on: it may have got one meanwhile, and wallets take "no such offer" for final.
    pub(super) fn stale(&self, key: &Key<'_>, now: Instant, limit: Duration) -> Option<Stale> {
        let held = self.offers.get(key.fingerprint)?;
        let is_usable = held.owner.is(key) && now.saturating_duration_since(held.began) < limit;
        is_usable.then(|| Stale {
            offer: Arc::clone(&held.offer),
            began: held.began,
            is_resting: held
                .rest
                .is_some_and(|rest| now < rest.until && rest.doubts == key.doubts),
        })
    }

    /// A load under way that a look-up may join.
    pub(super) fn flight(&self, key: &Key<'_>) -> Option<&Arc<Flight>> {
        let flight = self.flights.get(&key.fingerprint)?;
        flight.owner.is_undoubted(key).then_some(flight)
    }

    pub(super) fn begin(&mut self, flight: Arc<Flight>) {
        self.flights.insert(flight.owner.fingerprint, flight);
    }

    /// Ends a load. Its result is kept only while the load stands here: one that was taken away may
    /// have read what a write has replaced since.
    pub(super) fn land(&mut self, flight: &Arc<Flight>, landed: &Landed, rest_until: Instant) {
        let place = flight.owner.fingerprint;
        let stands = self.flights.get(&place);
        if !stands.is_some_and(|standing| Arc::ptr_eq(standing, flight)) {
            return;
        }
        self.flights.remove(&place);
        match landed {
            Ok(answer) => self.keep(flight, answer),
            Err(_) => {
                if let Some(held) = self.offers.get_mut(place) {
                    held.rest = Some(Rest {
                        until: rest_until,
                        doubts: flight.owner.doubts,
                    });
                }
            }
        }
    }

    /// Takes away all that is known of an offer, and the load of it under way.
    pub(super) fn forget(&mut self, place: u64) {
        self.offers.remove(place);
        self.absences.remove(place);
        self.flights.remove(&place);
    }

    /// Takes away what a write that failed may have changed, all but the offer to fall back on.
    pub(super) fn doubt(&mut self, place: u64) {
        if let Some(held) = self.offers.get_mut(place) {
            held.is_doubted = true;
            held.rest = None;
        }
        self.absences.remove(place);
        self.flights.remove(&place);
    }

    pub(super) fn content(&self) -> Content {
        Content {
            offers: self.offers.len(),
            absences: self.absences.len(),
            bytes: self.offers.weight() + self.absences.weight(),
        }
    }

    fn keep(&mut self, flight: &Flight, answer: &Answer) {
        let (owner, began) = (flight.owner.clone(), flight.began);
        let place = owner.fingerprint;
        match answer {
            Some(offer) => {
                self.absences.remove(place);
                let offer = Arc::clone(offer);
                let weight = OFFER_OVERHEAD + offer.metadata.as_str().len();
                let held = Held {
                    owner,
                    offer,
                    began,
                    is_doubted: false,
                    rest: None,
                };
                self.offers.insert(place, held, weight);
            }
            None => {
                self.offers.remove(place);
                let absence = Absence { owner, began };
                self.absences.insert(place, absence, ABSENCE_WEIGHT);
            }
        }
    }
}

/// The two weights are more than what their structures alone take.
const _: () = {
    assert!(OFFER_OVERHEAD > 2 * mem::size_of::<Held>() + mem::size_of::<PayableOffer>());
    assert!(ABSENCE_WEIGHT > 2 * mem::size_of::<Absence>());
};
