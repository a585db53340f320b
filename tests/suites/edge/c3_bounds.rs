//! C3: the bounds of an offer are exact.

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_tests::{Service, SwgrOptions, row::Row};

use crate::{offers::NewOffer, size::size, stage::Stage};

/// What a node can put in an invoice; the bounds themselves may be larger.
const MOST: u64 = 1_000_000_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_bounds_are_exact() -> anyhow::Result<()> {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let stage = Stage::start(&SwgrOptions::new(), 2).await?;
    let mut admin = stage.admin(Service::Offer)?;
    let door = stage.door(Service::Lnurl)?;
    let mut wallet = door.open().await?;
    let extremes = [(1, 1), (1, 2), (2, 2), (1, i64::MAX.unsigned_abs())];
    let offers = size(80, 1_000);
    let (mut asked, mut wrong) = (0, Vec::new());
    for number in 0..offers {
        let (min, max) = extremes.get(number).copied().unwrap_or_else(|| {
            let most = MOST >> random.random_range(0..50);
            let min = 1 + random.random_range(0..most);
            (min, min + random.random_range(0..1_000))
        });
        let offer = NewOffer::new("bounds", min, max);
        let path = offer.publish(&mut admin).await?;
        for (amount, status) in [(min - 1, 400), (min, 200), (max, 200), (max + 1, 400)] {
            if status == 200 && amount > MOST + 1_000 {
                continue;
            }
            let target = format!("{path}/invoice?amount={amount}");
            let answer = wallet.ask(door.request("GET", &target, "")).await;
            let answer = answer.with_context(|| format!("the seed is {seed}"))?;
            asked += 1;
            if answer.status != status {
                let text = answer.text();
                wrong.push(format!(
                    "{amount} msat of {min} to {max}, seed {seed}: {text}"
                ));
            }
        }
    }
    stage.end().await?;
    let mut row = Row::new(
        "edge",
        "C3",
        "amounts at and beyond the bounds of random offers",
    );
    row.figure(format!(
        "{asked} asked for of {offers} offers, {} wrong",
        wrong.len()
    ));
    row.must_for_all("bounds exact", &wrong);
    row.finish()
}
