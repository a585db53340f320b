use std::{
    fmt, ptr,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use switchgear_core::offer::PayableOffer;

use super::callback::Base;

/// How many answers are kept.
const SLOTS: usize = 256;

/// The longest answer that is kept, in bytes: all pictures fit, and all slots together hold 64 MiB at most.
const LONGEST: usize = 256 * 1_024;

/// The payRequests as they were served last: to write one anew costs a tenth of a whole request, and to
/// escape a picture of 137 kB ten times as much as the rest of it.
///
/// Each offer has one slot, and the latest of those that share it stays. What is kept is good for the
/// very offer that it was made from, so that a change of it needs no word here.
pub(super) struct Rendered(Box<[ArcSwapOption<Entry>]>);

struct Entry {
    /// So that no other offer can come to stand at its address, and this one can still go.
    offer: Weak<PayableOffer>,
    base: Arc<Base>,
    json: Bytes,
}

impl Rendered {
    /// The JSON for this offer under this base: what was kept, or else what `render` makes.
    pub(super) fn get_or_render(
        &self,
        offer: &Arc<PayableOffer>,
        base: &Arc<Base>,
        render: impl FnOnce() -> Bytes,
    ) -> Bytes {
        let Some(slot) = self.slot(offer) else {
            return render();
        };
        if let Some(entry) = &*slot.load()
            && ptr::eq(entry.offer.as_ptr(), Arc::as_ptr(offer))
            && (Arc::ptr_eq(&entry.base, base) || entry.base == *base)
        {
            return entry.json.clone();
        }
        let json = render();
        if json.len() <= LONGEST {
            slot.store(Some(Arc::new(Entry {
                offer: Arc::downgrade(offer),
                base: Arc::clone(base),
                json: json.clone(),
            })));
        }
        json
    }

    fn slot(&self, offer: &PayableOffer) -> Option<&ArcSwapOption<Entry>> {
        let [.., high, low] = *offer.id.as_bytes();
        self.0
            .get(usize::from(u16::from_be_bytes([high, low])) % SLOTS)
    }
}

impl Default for Rendered {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| ArcSwapOption::empty()).collect())
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use switchgear_core::{
        Millisatoshi, Partition,
        lnurl::PayMetadata,
        offer::{SendableRange, Validity},
    };
    use uuid::Uuid;

    use super::{
        super::callback::{Bases, CallbackBase},
        *,
    };
    use crate::{clock, host::Scheme};

    fn offer(id: u128) -> Arc<PayableOffer> {
        let msat = Millisatoshi::new(1_000);
        Arc::new(PayableOffer {
            partition: Partition::try_new("default").unwrap(),
            id: Uuid::from_u128(id),
            sendable: SendableRange::try_new(msat, msat).unwrap(),
            validity: Validity::new(clock::now(), None),
            metadata: PayMetadata::from_served("x"),
        })
    }

    fn base(url: &str) -> Arc<Base> {
        let public = CallbackBase::Public(url.parse().unwrap());
        let (head, ()) = Request::new(()).into_parts();
        Bases::new(&public, Scheme::Https).resolve(&head).unwrap()
    }

    /// What is answered, and whether it had to be rendered.
    fn ask(rendered: &Rendered, offer: &Arc<PayableOffer>, base: &Arc<Base>) -> (String, bool) {
        let mut made = false;
        let json = rendered.get_or_render(offer, base, || {
            made = true;
            base.url_of(offer).into()
        });
        (String::from_utf8(json.to_vec()).unwrap(), made)
    }

    #[test]
    fn renders_an_offer_once_for_each_base_and_anew_when_it_was_loaded_anew() {
        let rendered = Rendered::default();
        let (first, again) = (offer(1), offer(1));
        let (a, also_a, b) = (base("https://a"), base("https://a"), base("https://b"));
        for (offer, base, made) in [
            (&first, &a, true),
            (&first, &a, false),
            (&first, &also_a, false),
            (&first, &b, true),
            (&first, &b, false),
            (&again, &b, true),
            (&again, &b, false),
            (&first, &b, true),
        ] {
            assert_eq!(ask(&rendered, offer, base), (base.url_of(offer), made));
        }
    }

    #[test]
    fn keeps_neither_an_offer_that_nobody_else_has_nor_an_answer_that_is_too_long() {
        let rendered = Rendered::default();
        let base = base("https://a");
        let first = offer(1);
        ask(&rendered, &first, &base);
        let gone = Arc::downgrade(&first);
        drop(first);
        assert!(gone.upgrade().is_none());

        let long = offer(2);
        for _ in 0..2 {
            let mut made = false;
            rendered.get_or_render(&long, &base, || {
                made = true;
                vec![b'x'; LONGEST + 1].into()
            });
            assert!(made);
        }
    }

    #[test]
    fn never_serves_one_offer_for_another_that_shares_its_slot() {
        let rendered = Rendered::default();
        let base = base("https://a");
        let offers: Vec<_> = (0..1_000).map(offer).collect();
        for offer in offers.iter().chain(&offers) {
            assert_eq!(ask(&rendered, offer, &base).0, base.url_of(offer));
        }
        assert_eq!(rendered.0.len(), SLOTS);
    }
}
