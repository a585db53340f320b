use crate::scheme::{Member, Scheme, mix};

/// A ring with 160 points for each unit of weight; a key belongs to the next point's node.
#[derive(Debug)]
pub(crate) struct Ketama {
    points: Box<[(u32, u32)]>,
}

impl Ketama {
    const POINTS: u64 = 160;

    fn place(&self, key: u64) -> usize {
        let hash = (mix(key) >> 32) as u32;
        let place = self.points.partition_point(|(point, _)| *point < hash);
        if place == self.points.len() { 0 } else { place }
    }
}

impl Scheme for Ketama {
    const NAME: &str = "ketama, 160 points";

    fn build(members: &[Member]) -> Self {
        let points_of = |(place, member): (u32, &Member)| {
            let seed = member.seed();
            let points = 0..Self::POINTS * u64::from(member.weight);
            points.map(move |point| ((mix(seed ^ point) >> 32) as u32, place))
        };
        let mut points: Vec<_> = (0..).zip(members).flat_map(points_of).collect();
        points.sort_unstable();
        Self {
            points: points.into(),
        }
    }

    fn first(&self, key: u64) -> usize {
        self.points[self.place(key)].1 as usize
    }

    fn order(&self, key: u64, count: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let start = self.place(key);
        let ring = self.points[start..].iter().chain(&self.points[..start]);
        for (_, node) in ring {
            if !order.contains(&(*node as usize)) {
                order.push(*node as usize);
            }
            if order.len() == count {
                break;
            }
        }
        order
    }
}
