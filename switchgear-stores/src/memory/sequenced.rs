use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    ops::Bound,
};

/// A map that remembers in which order its keys came: the order is a sequence, not a clock.
#[derive(Debug)]
pub(super) struct Sequenced<K, V> {
    places: HashMap<K, u64>,
    records: BTreeMap<u64, V>,
    next_place: u64,
}

impl<K: Eq + Hash, V> Sequenced<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.records.get(self.places.get(key)?)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.records.get_mut(self.places.get(key)?)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.places.contains_key(key)
    }

    /// Adds a record behind the others, or replaces it where it stands and returns what stood there.
    pub(super) fn insert(&mut self, key: K, record: V) -> Option<V> {
        let place = *self.places.entry(key).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        self.records.insert(place, record)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.records.remove(&self.places.remove(key)?)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.records.values()
    }

    /// The records behind `key`'s; nothing when there is no such key.
    pub(super) fn values_after(&self, key: &K) -> Option<impl Iterator<Item = &V>> {
        let place = *self.places.get(key)?;
        let behind = (Bound::Excluded(place), Bound::Unbounded);
        Some(self.records.range(behind).map(|(_, record)| record))
    }
}

impl<K, V> Default for Sequenced<K, V> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            records: BTreeMap::new(),
            next_place: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_replaced_record_in_its_place_and_gives_no_place_twice() {
        let mut map = Sequenced::default();
        for key in ["a", "b", "c"] {
            assert_eq!(map.insert(key, key.to_owned()), None);
        }
        assert_eq!(map.insert("a", "A".to_owned()).as_deref(), Some("a"));
        assert_eq!(map.remove(&"c").as_deref(), Some("c"));
        map.insert("c", "C".to_owned());
        assert_eq!(map.values().collect::<Vec<_>>(), ["A", "b", "C"]);
        let behind: Vec<_> = map.values_after(&"a").unwrap().collect();
        assert_eq!(behind, ["b", "C"]);
        assert!(map.values_after(&"d").is_none());
    }
}
