use std::num::NonZeroU16;

use super::{
    cells::{CELLS, TABLES, Table},
    podium::{Best, Podium},
    seats::Seats,
    seeker::{Seeker, bits},
    variate::positions_until,
};

/// Many seats of like weight, sorted by cell in each table.
#[derive(Debug)]
pub(super) struct Group {
    heaviest: NonZeroU16,
    /// The seats are counted from here, so that 16 bits name them.
    base: usize,
    /// How many cells hold [`HANDFUL`] seats.
    stride: u32,
    /// For each table: where each cell's seats begin and the last one's end, the seats, and zeros so
    /// that [`AT_ONCE`] seats can be read wherever some begin.
    tables: Box<[u16]>,
}

/// Where the seats begin in a table.
const SEATS: usize = CELLS as usize + 1;
/// How many seats of a cell are looked at without asking how many there are, for a branch that depends
/// on it would often be guessed wrong.
const AT_ONCE: usize = 2;
/// About how many seats are looked at before one that arrives stops the search. On average it takes 16.
const HANDFUL: usize = 8;

impl Group {
    /// Sorts the members, which are counted from `base`; none if there are none.
    pub(super) fn new(seats: &Seats, base: u32, members: &[u16]) -> Option<Self> {
        let base = base as usize;
        let of = |seat: &u16| seats.get(base + usize::from(*seat));
        let (_, heaviest) = members
            .iter()
            .filter_map(of)
            .max_by_key(|(_, weight)| *weight)?;
        let mut tables = Vec::with_capacity(TABLES * (SEATS + members.len() + AT_ONCE));
        for table in Table::all() {
            let cells: Vec<usize> = members
                .iter()
                .filter_map(of)
                .map(|(seed, _)| seed.cell(table) as usize)
                .collect();
            sort(members, &cells, &mut tables);
        }
        let stride = CELLS as usize * HANDFUL / members.len();
        Some(Self {
            heaviest,
            base,
            stride: (stride as u32).clamp(1, u64::BITS / AT_ONCE as u32),
            tables: tables.into(),
        })
    }

    pub(super) fn heaviest(&self) -> NonZeroU16 {
        self.heaviest
    }

    /// All seats of the group.
    pub(super) fn seats(&self) -> impl Iterator<Item = usize> {
        let (_, sorted) = self.table(0);
        let members = sorted
            .split_last_chunk::<AT_ONCE>()
            .map(|(members, _)| members);
        members
            .unwrap_or_default()
            .iter()
            .map(|seat| self.base + usize::from(*seat))
    }

    /// Goes through the cells in the key's order, and offers the nodes that arrive in the first round.
    pub(super) fn search(&self, seeker: &Seeker, seats: &Seats, within: usize, best: &mut Best) {
        let (offsets, sorted) = self.table(seeker.shuffle().table().index());
        let seeds = seats.seeds.get(self.base..).unwrap_or_default();
        let mut position = 0;
        while position < self.positions_until(best) {
            let mut arrivals = 0_u64;
            for position in position..position + self.stride {
                let (from, to) = bounds(offsets, seeker.shuffle().cell_at(position));
                for (ahead, seat) in (0..).zip(first_of(sorted, from)) {
                    let arrives = seeker.arrives_first(seeds.get(usize::from(seat)));
                    arrivals = (arrivals << 1) | u64::from(arrives & (ahead < to - from));
                }
                if to - from > AT_ONCE {
                    let more = sorted.get(from + AT_ONCE..to).unwrap_or_default();
                    self.offer(seeker, seats, within, more, best);
                }
            }
            position += self.stride;
            for bit in bits(arrivals) {
                let cell = seeker
                    .shuffle()
                    .cell_at(position - 1 - (bit / AT_ONCE) as u32);
                let place = bounds(offsets, cell).0 + AT_ONCE - 1 - bit % AT_ONCE;
                let seat = sorted.get(place..=place).unwrap_or_default();
                self.offer(seeker, seats, within, seat, best);
            }
        }
    }

    /// Offers those of `among` that arrive in the first round.
    fn offer(&self, seeker: &Seeker, seats: &Seats, within: usize, among: &[u16], best: &mut Best) {
        for seat in among {
            let seat = self.base + usize::from(*seat);
            if seeker.arrives_first(seats.seeds.get(seat))
                && let Some((seed, weight)) = seats.get(seat)
                && seat < within
            {
                best.offer(seat, seeker.score(seed, weight));
            }
        }
    }

    /// How many positions may bring a better node.
    #[inline]
    fn positions_until(&self, best: &Best) -> u32 {
        best.bar()
            .map_or(CELLS, |bar| positions_until(bar.reach(self.heaviest)))
    }

    /// Whether nobody who survives the first round can be better.
    #[inline]
    pub(super) fn is_settled_by(&self, best: &Best) -> bool {
        best.bar()
            .is_some_and(|bar| bar.reach(self.heaviest) >> 32 == 0)
    }

    /// Where the cells begin in one table, and its seats.
    #[inline]
    fn table(&self, table: usize) -> (&[u16; SEATS], &[u16]) {
        let mut tables = self.tables.chunks_exact(self.tables.len() / TABLES);
        tables
            .nth(table)
            .and_then(<[u16]>::split_first_chunk)
            .expect("there are so many tables, and each begins with its offsets")
    }
}

/// Where the seats of a cell begin and end.
#[inline]
fn bounds(offsets: &[u16; SEATS], cell: u32) -> (usize, usize) {
    let cell = (cell % CELLS) as usize;
    (usize::from(offsets[cell]), usize::from(offsets[cell + 1]))
}

/// A few seats from a place on.
#[inline]
fn first_of(sorted: &[u16], place: usize) -> [u16; AT_ONCE] {
    let seats = sorted.get(place..).and_then(<[u16]>::first_chunk);
    seats.copied().unwrap_or_default()
}

/// Appends one table: where each cell's members begin, and the members sorted by cell.
fn sort(members: &[u16], cells: &[usize], tables: &mut Vec<u16>) {
    let mut next = [0_u16; SEATS];
    for cell in cells {
        next[cell + 1] += 1;
    }
    for cell in 1..SEATS {
        next[cell] += next[cell - 1];
    }
    tables.extend_from_slice(&next);
    let start = tables.len();
    tables.resize(start + members.len() + AT_ONCE, 0);
    for (seat, cell) in members.iter().zip(cells) {
        let place = &mut next[*cell];
        tables[start + usize::from(*place)] = *seat;
        *place += 1;
    }
}
