use std::collections::HashMap;

use tokio::sync::watch;

use super::record::{Key, Record};

/// Which records are on their way, so that another waits for those that it depends on and for no
/// others: an offer for its metadata, a record for an earlier one with its key.
#[derive(Debug, Default)]
pub(super) struct Order {
    pending: HashMap<Key, (usize, watch::Receiver<()>)>,
}

/// A record's place in the order. Whoever waits for it goes on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    after: Vec<watch::Receiver<()>>,
    _passed: watch::Sender<()>,
}

impl Order {
    /// Lets in the record of the line with this number. It can wait only for those let in before, so
    /// that no two wait for each other.
    pub(super) fn admit(&mut self, number: usize, record: &Record) -> Turn {
        let (sender, receiver) = watch::channel(());
        let before = |key| self.pending.get(key).map(|(_, passed)| passed.clone());
        let key = record.key();
        let needed = record.needs();
        let after = before(&key)
            .into_iter()
            .chain(needed.as_ref().and_then(before))
            .collect();
        self.pending.insert(key, (number, receiver));
        Turn {
            after,
            _passed: sender,
        }
    }

    /// Forgets a record whose turn has passed, unless a later one has taken its place.
    pub(super) fn settle(&mut self, number: usize, key: &Key) {
        if self
            .pending
            .get(key)
            .is_some_and(|(last, _)| *last == number)
        {
            self.pending.remove(key);
        }
    }
}

impl Turn {
    /// Waits until the records before this one are settled. Safe to cancel.
    pub(super) async fn come(&mut self) {
        for before in &mut self.after {
            // Nothing is ever sent: the error is the sender's end.
            while before.changed().await.is_ok() {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use uuid::Uuid;

    use super::*;

    fn metadata(id: u8) -> Record {
        let id = Uuid::from_bytes([id; 16]);
        parse(format!(r#"{{"partition":"p","id":"{id}","text":"x"}}"#))
    }

    fn offer(id: u8, metadata: u8) -> Record {
        let (id, metadata) = (Uuid::from_bytes([id; 16]), Uuid::from_bytes([metadata; 16]));
        parse(format!(
            r#"{{"partition":"p","id":"{id}","metadataId":"{metadata}","minSendable":1,
            "maxSendable":1,"timestamp":"2026-01-01T00:00:00Z"}}"#
        ))
    }

    fn parse(text: String) -> Record {
        Record::parse(text.as_bytes()).unwrap()
    }

    fn has_come(turn: &mut Turn) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(turn.come()).poll(&mut context).is_ready()
    }

    #[test]
    fn makes_a_record_wait_for_what_it_depends_on_alone() {
        let mut order = Order::default();
        let mut one = order.admit(1, &metadata(1));
        let mut other = order.admit(2, &metadata(2));
        let mut offer_of_one = order.admit(3, &offer(1, 1));
        let mut again = order.admit(4, &offer(1, 2));
        assert!(has_come(&mut one) && has_come(&mut other));
        assert!(!has_come(&mut offer_of_one) && !has_come(&mut again));
        drop(one);
        assert!(has_come(&mut offer_of_one));
        drop(offer_of_one);
        assert!(!has_come(&mut again), "its metadata is on its way");
        drop(other);
        assert!(has_come(&mut again));
    }

    #[test]
    fn forgets_what_is_settled() {
        let mut order = Order::default();
        let record = metadata(1);
        let (first, second) = (order.admit(1, &record), order.admit(2, &record));
        drop(first);
        order.settle(1, &record.key());
        let mut third = order.admit(3, &record);
        assert!(!has_come(&mut third));
        drop(second);
        order.settle(2, &record.key());
        assert!(has_come(&mut third));
        order.settle(3, &record.key());
        assert!(order.pending.is_empty());
    }
}
