//! What holds in every order of look-ups, writes through this process and others, and outages.

use std::time::Duration;

use proptest::prelude::*;
use switchgear_core::{
    offer::{OfferMetadataStore as _, OfferStore as _},
    store::{StoreError, StoreErrorKind},
};
use switchgear_stores::cached::CacheConfig;
use tokio::time::{Instant, advance};
use uuid::Uuid;

use super::{
    fixture::{Fixture, Seen, TTL, metadata, offer, partition},
    store::Fault,
};

const OFFERS: usize = 3;
const STALE_LIMIT: Duration = Duration::from_secs(4);
const RETRY_PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, Clone)]
enum Step {
    Look(usize),
    LookAtRandom(u128),
    Wait(u64),
    Put { id: usize, through_cache: bool },
    Delete { id: usize, through_cache: bool },
    Rename { through_cache: bool },
    Fault(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..OFFERS;
    prop_oneof![
        6 => id.clone().prop_map(Step::Look),
        1 => (1_000..1_000_000_u128).prop_map(Step::LookAtRandom),
        3 => (1..1_500_u64).prop_map(Step::Wait),
        2 => (id.clone(), any::<bool>()).prop_map(|(id, through_cache)| Step::Put { id, through_cache }),
        1 => (id, any::<bool>()).prop_map(|(id, through_cache)| Step::Delete { id, through_cache }),
        1 => any::<bool>().prop_map(|through_cache| Step::Rename { through_cache }),
        1 => any::<bool>().prop_map(Step::Fault),
    ]
}

/// All that the store ever held of one offer.
#[derive(Debug, Default)]
struct History {
    /// What it was, and until when.
    past: Vec<(Seen, Instant)>,
    now: Seen,
    /// From which of these on a fresh answer may be: since the last write through the cache that was not
    /// refused.
    fresh_floor: usize,
    /// From which of these on a stale answer may be: since the last such write that succeeded.
    stale_floor: usize,
}

/// What the cache learns of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learns {
    Nothing,
    /// That it may have happened.
    Doubt,
    All,
}

impl Learns {
    fn of<R>(written: Result<R, StoreError>) -> Self {
        match written.map_err(|error| error.kind()) {
            Ok(_) => Self::All,
            Err(StoreErrorKind::NotFound) => Self::Nothing,
            Err(_) => Self::Doubt,
        }
    }
}

impl History {
    fn change(&mut self, seen: Seen, learns: Learns) {
        let was = std::mem::replace(&mut self.now, seen);
        self.past.push((was, Instant::now()));
        if learns != Learns::Nothing {
            self.fresh_floor = self.past.len();
        }
        if learns == Learns::All {
            self.stale_floor = self.past.len();
        }
    }

    fn held_within(&self, age: Duration, floor: usize, answer: &Seen) -> bool {
        let since = Instant::now() - age;
        let past = self.past.iter().skip(floor);
        let recent = past.filter(|(_, until)| *until > since);
        *answer == self.now || recent.into_iter().any(|(seen, _)| seen == answer)
    }
}

struct Model {
    fixture: Fixture,
    histories: [History; OFFERS],
    text: u64,
    version: u64,
    is_down: bool,
    last_down: Option<Instant>,
}

impl Model {
    async fn new() -> Self {
        let config = CacheConfig {
            stale_limit: STALE_LIMIT,
            retry_pause: RETRY_PAUSE,
            // So little that offers push each other out.
            offer_bytes: 16 * 1_500,
            absence_bytes: 16 * 900,
            ..CacheConfig::new(TTL)
        };
        Self {
            fixture: Fixture::new(config).await,
            histories: Default::default(),
            text: 0,
            version: 0,
            is_down: false,
            last_down: None,
        }
    }

    fn text(&self) -> String {
        match self.text {
            0 => "coffee".to_owned(),
            text => text.to_string(),
        }
    }

    /// Writes are committed even where the store then fails to say so.
    async fn take(&mut self, step: Step) {
        // An hour's head start, so that a time before all of this can be said.
        match step {
            Step::Look(id) => self.look(id).await,
            Step::LookAtRandom(id) => drop(self.fixture.see(id).await),
            Step::Wait(milliseconds) => advance(Duration::from_millis(milliseconds)).await,
            Step::Put { id, through_cache } => {
                self.version += 1;
                let written = offer(id as u128, self.version);
                let learns = if through_cache {
                    Learns::of(self.fixture.writer.put_offer(written).await)
                } else {
                    self.fixture.store.records.put_offer(written).await.unwrap();
                    Learns::Nothing
                };
                let seen = Some((self.version, self.text()));
                self.histories[id].change(seen, learns);
            }
            Step::Delete { id, through_cache } => {
                let key = Uuid::from_u128(id as u128);
                let learns = if through_cache {
                    Learns::of(self.fixture.writer.delete_offer(&partition(), key).await)
                } else {
                    let records = &self.fixture.store.records;
                    drop(records.delete_offer(&partition(), key).await);
                    Learns::Nothing
                };
                self.histories[id].change(None, learns);
            }
            Step::Rename { through_cache } => self.rename(through_cache).await,
            Step::Fault(is_down) => {
                self.is_down = is_down;
                let fault = if is_down { Fault::Fails } else { Fault::None };
                self.fixture.store.set(fault);
            }
        }
        if self.is_down {
            self.last_down = Some(Instant::now());
        }
        let bytes = self.fixture.cache.figures().bytes;
        assert!(bytes <= 16 * 2_400, "{bytes}");
    }

    async fn rename(&mut self, through_cache: bool) {
        self.text += 1;
        let written = metadata(&self.text());
        let learns = if through_cache {
            Learns::of(self.fixture.writer.put_metadata(written).await)
        } else {
            let records = &self.fixture.store.records;
            records.put_metadata(written).await.unwrap();
            Learns::Nothing
        };
        let text = self.text();
        for history in &mut self.histories {
            let seen = history
                .now
                .as_ref()
                .map(|(version, _)| (*version, text.clone()));
            history.change(seen, learns);
        }
    }

    async fn look(&self, id: usize) {
        let history = &self.histories[id];
        let may_be_stale = self.is_down
            || self
                .last_down
                .is_some_and(|time| time.elapsed() < RETRY_PAUSE);
        match self.fixture.see(id as u128).await {
            Ok(answer) => {
                let is_recent = history.held_within(TTL, history.fresh_floor, &answer);
                let is_stale = may_be_stale
                    && answer.is_some()
                    && history.held_within(STALE_LIMIT, history.stale_floor, &answer);
                assert!(is_recent || is_stale, "{answer:?} of {history:?}");
            }
            Err(error) => assert!(self.is_down, "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_one_that_the_store_gave_lately_and_since_the_last_write(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            // So that a time before the first step can be said.
            advance(Duration::from_secs(3_600)).await;
            let mut model = Model::new().await;
            for step in steps {
                model.take(step).await;
            }
        });
    }
}
