use std::{
    collections::{HashMap, VecDeque},
    sync::atomic::{AtomicBool, Ordering},
};

/// How many turns that are over may wait beside those that are not, before they are swept out.
const SLACK: usize = 64;

/// A map of bounded weight that gives every value which was used a second chance (CLOCK).
///
/// A use sets one flag and needs no exclusive access. Values are considered in the order in which they
/// came; one that was used since it was last considered goes behind the others instead of out.
#[derive(Debug)]
pub(super) struct Shelf<V> {
    budget: usize,
    weight: usize,
    slots: HashMap<u64, Slot<V>>,
    turns: VecDeque<Turn>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    weight: usize,
    ticket: u64,
    used: AtomicBool,
}

/// A slot's turn to be considered; over when the slot has gone, or has come anew with another ticket.
#[derive(Debug, Clone, Copy)]
struct Turn {
    place: u64,
    ticket: u64,
}

impl<V> Shelf<V> {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            weight: 0,
            slots: HashMap::new(),
            turns: VecDeque::new(),
            next_ticket: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The value, which is thereby used.
    pub(super) fn get(&self, place: u64) -> Option<&V> {
        let slot = self.slots.get(&place)?;
        // Written only where it changes something: the line stays shared between the processors.
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        Some(&slot.value)
    }

    pub(super) fn get_mut(&mut self, place: u64) -> Option<&mut V> {
        self.slots.get_mut(&place).map(|slot| &mut slot.value)
    }

    /// Keeps the value, instead of one that had its place; nothing is kept above the whole budget.
    pub(super) fn insert(&mut self, place: u64, value: V, weight: usize) {
        let used = self.take(place).is_some_and(|slot| slot.used.into_inner());
        if weight > self.budget {
            return;
        }
        self.make_room(weight);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.weight += weight;
        let slot = Slot {
            value,
            weight,
            ticket,
            used: AtomicBool::new(used),
        };
        self.slots.insert(place, slot);
        self.turns.push_back(Turn { place, ticket });
        self.sweep();
    }

    pub(super) fn remove(&mut self, place: u64) {
        self.take(place);
    }

    fn take(&mut self, place: u64) -> Option<Slot<V>> {
        let slot = self.slots.remove(&place)?;
        self.weight -= slot.weight;
        Some(slot)
    }

    fn make_room(&mut self, weight: usize) {
        while self.weight + weight > self.budget {
            let Some(turn) = self.turns.pop_front() else {
                return;
            };
            match self.slots.get(&turn.place) {
                Some(slot) if slot.ticket != turn.ticket => {}
                Some(slot) if slot.used.swap(false, Ordering::Relaxed) => {
                    self.turns.push_back(turn);
                }
                Some(_) => self.remove(turn.place),
                None => {}
            }
        }
    }

    /// Keeps the turns in proportion to the slots, at a cost that each insertion pays a part of.
    fn sweep(&mut self) {
        if self.turns.len() > 2 * self.slots.len() + SLACK {
            let slots = &self.slots;
            self.turns.retain(|turn| {
                let slot = slots.get(&turn.place);
                slot.is_some_and(|slot| slot.ticket == turn.ticket)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(shelf: &Shelf<()>) -> Vec<u64> {
        let mut kept: Vec<u64> = shelf.slots.keys().copied().collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn gives_what_was_used_a_second_chance() {
        let mut shelf = Shelf::new(3);
        for place in [1, 2, 3] {
            shelf.insert(place, (), 1);
        }
        shelf.get(1).unwrap();
        shelf.insert(4, (), 1);
        assert_eq!(kept(&shelf), [1, 3, 4]);
        shelf.insert(5, (), 1);
        assert_eq!(kept(&shelf), [1, 4, 5]);
        // One use is one chance.
        shelf.insert(6, (), 1);
        assert_eq!(kept(&shelf), [4, 5, 6]);
    }

    #[test]
    fn keeps_its_weight_whatever_is_put_in() {
        let mut shelf = Shelf::new(10);
        for (place, weight) in [
            (1, 10),
            (2, 4),
            (3, 4),
            (2, 7),
            (4, 11),
            (2, 1),
            (5, 9),
            (6, 10),
        ] {
            shelf.insert(place, (), weight);
            let held: usize = shelf.slots.values().map(|slot| slot.weight).sum();
            assert_eq!(shelf.weight(), held);
            assert!(held <= 10, "{held}");
        }
        assert_eq!(kept(&shelf), [6]);
        shelf.insert(6, (), 11);
        assert_eq!(
            (shelf.len(), shelf.weight()),
            (0, 0),
            "an older value must not stay"
        );
    }

    #[test]
    fn does_not_grow_by_what_comes_and_goes() {
        let mut shelf = Shelf::new(100);
        shelf.insert(0, (), 1);
        for _ in 0..10_000 {
            shelf.insert(1, (), 1);
            shelf.remove(1);
            shelf.insert(0, (), 1);
        }
        assert!(shelf.turns.len() <= 2 + SLACK, "{}", shelf.turns.len());
        assert_eq!(kept(&shelf), [0]);
    }
}
