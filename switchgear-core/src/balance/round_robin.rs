use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Smooth weighted round robin over the nodes `0..len`: weights 2:1 give A A B, 4:2:1 give A B A C A B A,
/// never long blocks.
///
/// A pick costs one increment of a shared counter. The counter outlives the table, so that a table
/// built anew goes on where the last one was.
#[derive(Debug)]
pub(super) struct RoundRobin {
    len: usize,
    turns: Turns,
    counter: Arc<AtomicU64>,
}

/// Whose turn it is at each count of a cycle.
#[derive(Debug)]
enum Turns {
    /// Equal weights: each in its place.
    Equal,
    /// A whole cycle, smoothly interleaved.
    Table(Box<[u32]>),
    /// A cycle too long to write down: its counts are scattered by a stride over the running sums of
    /// the weights. Each cycle is exact and neighbouring turns are far apart, though within a cycle a
    /// share may stray by a few turns.
    Strided { sums: Box<[u64]>, stride: u64 },
}

impl RoundRobin {
    /// The longest cycle that is written down.
    const LONGEST_TABLE: u64 = 4_096;

    /// Prepares turns for nodes of these weights, none of them zero.
    pub(super) fn new(weights: &[u16], counter: Arc<AtomicU64>) -> Self {
        Self {
            len: weights.len(),
            turns: Turns::new(weights),
            counter,
        }
    }

    /// Takes the next turn: an order over all nodes, each once, whoever's turn it is first.
    pub(super) fn run(&self) -> Run {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let cycle = self.turns.cycle(self.len);
        if cycle == 0 {
            return Run::default();
        }
        Run {
            first: self.turns.at(count % cycle),
            // Who comes after the first is scattered, so that a failing node's load falls on all
            // others alike.
            detour: index(scatter(count) % (self.len as u64 - 1).max(1)),
            next: 0,
            len: self.len,
        }
    }
}

impl Turns {
    fn new(weights: &[u16]) -> Self {
        let divisor = weights.iter().fold(0, |a, b| gcd(a, u64::from(*b)));
        let weights: Vec<u64> = weights
            .iter()
            .map(|weight| u64::from(*weight) / divisor.max(1))
            .collect();
        let total: u64 = weights.iter().sum();
        if weights.iter().all(|weight| *weight == 1) {
            Self::Equal
        } else if total <= RoundRobin::LONGEST_TABLE {
            Self::Table(interleave(&weights, total))
        } else {
            let mut sum = 0;
            let sums = weights.iter().map(|weight| {
                sum += weight;
                sum
            });
            Self::Strided {
                sums: sums.collect(),
                stride: golden_stride(total),
            }
        }
    }

    /// How many turns make the shares exact.
    fn cycle(&self, len: usize) -> u64 {
        match self {
            Self::Equal => len as u64,
            Self::Table(table) => table.len() as u64,
            Self::Strided { sums, .. } => sums.last().copied().unwrap_or(0),
        }
    }

    /// Whose turn is `count`, which is below the cycle.
    fn at(&self, count: u64) -> usize {
        match self {
            Self::Equal => index(count),
            Self::Table(table) => table
                .get(index(count))
                .map_or(0, |node| index(u64::from(*node))),
            Self::Strided { sums, stride } => {
                let total = u128::from(sums.last().copied().unwrap_or(1));
                let scattered = u128::from(count) * u128::from(*stride) % total;
                sums.partition_point(|sum| u128::from(*sum) <= scattered)
            }
        }
    }
}

/// An order over `0..len`, each once: the first by turn, the others around the ring.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    first: usize,
    detour: usize,
    next: usize,
    len: usize,
}

impl Iterator for Run {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let step = self.next;
        if step >= self.len {
            return None;
        }
        self.next += 1;
        if step == 0 {
            return Some(self.first);
        }
        // The others, numbered 0..len-1 from behind the first, begin at the detour.
        let others = self.len - 1;
        let offset = (self.detour + step - 1) % others;
        Some((self.first + 1 + offset) % self.len)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Run {}

/// A cycle in which each node has its weight's number of turns, and at no point more than one turn more
/// or less than its share.
///
/// Turn `k` of a node with weight `w` out of `total` belongs within the slots `⌊k·total/w⌋` to
/// `⌈(k+1)·total/w⌉`; of the turns that may be taken, the one that must be over first is. That this
/// always works out is the theorem of proportionate fairness (Baruah, Cohen, Plaxton and Varvel, 1996).
fn interleave(weights: &[u64], total: u64) -> Box<[u32]> {
    let turn = |node: u32, weight: u64, taken: u64| Turn {
        begins: taken * total / weight,
        over: ((taken + 1) * total).div_ceil(weight),
        node,
        weight,
        taken,
    };
    let mut waiting: BinaryHeap<_> = (0_u32..)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0)
        .map(|(node, &weight)| Reverse((0, turn(node, weight, 0))))
        .collect();
    let mut open = BinaryHeap::new();
    let mut table = Vec::with_capacity(index(total));
    for slot in 0..total {
        while let Some(Reverse((begins, _))) = waiting.peek()
            && *begins <= slot
            && let Some(Reverse((_, turn))) = waiting.pop()
        {
            open.push(Reverse((turn.over, turn)));
        }
        let Some(Reverse((_, taken))) = open.pop() else {
            continue;
        };
        table.push(taken.node);
        if taken.taken + 1 < taken.weight {
            let next = turn(taken.node, taken.weight, taken.taken + 1);
            waiting.push(Reverse((next.begins, next)));
        }
    }
    table.into()
}

/// One turn of one node: the slots that it belongs within.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    node: u32,
    begins: u64,
    over: u64,
    weight: u64,
    taken: u64,
}

/// A number that tells nothing of `count` and is spread evenly: the finalizer of SplitMix64.
fn scatter(count: u64) -> u64 {
    let mut mixed = count.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A stride near total ÷ φ that shares no divisor with the total, so that its multiples visit every
/// count once and keep far apart.
fn golden_stride(total: u64) -> u64 {
    let golden = total as f64 * 0.618_033_988_749_895;
    (golden as u64..total)
        .find(|stride| gcd(*stride, total) == 1)
        .unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn firsts(weights: &[u16], picks: usize) -> Vec<usize> {
        let robin = RoundRobin::new(weights, Arc::default());
        (0..picks).map(|_| robin.run().next().unwrap()).collect()
    }

    /// The largest distance between a node's share so far and its ideal one, over all prefixes.
    fn worst_deviation(weights: &[u16], picks: usize) -> f64 {
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let mut counts = vec![0_u32; weights.len()];
        let mut worst = 0_f64;
        for (turn, node) in firsts(weights, picks).into_iter().enumerate() {
            counts[node] += 1;
            for (count, weight) in counts.iter().zip(weights) {
                let ideal = (turn + 1) as f64 * f64::from(*weight) / total;
                worst = worst.max((f64::from(*count) - ideal).abs());
            }
        }
        worst
    }

    #[test]
    fn interleaves_smoothly() {
        assert_eq!(firsts(&[2, 1], 6), [0, 0, 1, 0, 0, 1]);
        assert_eq!(firsts(&[1, 1, 1], 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(firsts(&[200, 100], 3), [0, 0, 1]);
        assert_eq!(firsts(&[65_535], 2), [0, 0]);
    }

    #[test]
    fn a1_round_robin_is_exact_within_one_of_ideal() {
        let uneven = |weight| [vec![weight], vec![1; usize::from(weight)]].concat();
        for weights in [
            vec![1, 1, 1],
            vec![1, 2, 7],
            vec![5, 1, 1, 1],
            vec![3; 50],
            uneven(10),
            uneven(100),
        ] {
            let worst = worst_deviation(&weights, 20_000);
            assert!(worst <= 1.0, "{weights:?}: {worst}");
        }
    }

    #[test]
    fn makes_no_blocks_of_a_heavy_node_among_light_ones() {
        let weights = [vec![50], vec![1; 50]].concat();
        let longest = firsts(&weights, 1_000)
            .chunk_by(|a, b| a == b)
            .map(<[usize]>::len)
            .max();
        assert!(longest <= Some(2), "{longest:?}");
    }

    #[test]
    fn keeps_long_cycles_exact_and_spread() {
        let weights = [65_535, 40_000, 1, 17];
        let total: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
        let picks = firsts(&weights, total);
        for (node, weight) in weights.iter().enumerate() {
            let count = picks.iter().filter(|pick| **pick == node).count();
            assert_eq!(count, usize::from(*weight));
        }
        let longest_block = picks.chunk_by(|a, b| a == b).map(<[usize]>::len).max();
        assert!(longest_block <= Some(4), "{longest_block:?}");
    }

    #[test]
    fn spreads_a_failing_nodes_load_over_all_others() {
        let robin = RoundRobin::new(&[1; 4], Arc::default());
        let mut seconds = [0; 4];
        for _ in 0..4 * 3 * 1_000 {
            let mut run = robin.run();
            if run.next() == Some(0) {
                seconds[run.next().unwrap()] += 1;
            }
        }
        assert!(
            seconds[1..]
                .iter()
                .all(|count| (900..=1_100).contains(count)),
            "{seconds:?}"
        );
    }

    #[test]
    fn has_no_turn_without_nodes() {
        assert_eq!(RoundRobin::new(&[], Arc::default()).run().next(), None);
    }

    proptest! {
        #[test]
        fn a1_holds_for_any_weights_whose_cycle_is_written_down(weights in prop::collection::vec(1_u16..=100, 1..40)) {
            let total: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
            prop_assert!(worst_deviation(&weights, total) <= 1.0);
        }

        #[test]
        fn every_run_names_each_node_once(weights in prop::collection::vec(1_u16..=u16::MAX, 0..40), start: u64) {
            let robin = RoundRobin::new(&weights, Arc::new(AtomicU64::new(start / 2)));
            for _ in 0..20 {
                let mut run: Vec<_> = robin.run().collect();
                run.sort_unstable();
                prop_assert_eq!(run, (0..weights.len()).collect::<Vec<_>>());
            }
        }
    }
}
