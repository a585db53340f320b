//! A node whose wallet is locked, as it is after each start until its operator unlocks it.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    is_long_or_skipped,
    load::{Load, failures},
    stage::Stage,
};

/// `health-check-frequency-secs`, by default.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_locked_node_is_called_locked_and_serves_soon_after_it_is_unlocked() -> anyhow::Result<()>
{
    if !is_long_or_skipped() {
        return Ok(());
    }
    let Some(stage) = Stage::start(&[]).await? else {
        return Ok(());
    };
    let (alice, bob) = (&stage.regtest.alice, &stage.regtest.bob);
    stage.register_plainly(alice).await?;
    stage.ready(1).await?;
    bob.set_wallet_password().await?;
    bob.restart_locked().await?;
    stage.register_plainly(bob).await?;
    let line = stage.logs(bob, "is unhealthy").await?;
    assert!(
        line.ends_with("is unhealthy: the wallet is locked: unlock it"),
        "{line}"
    );

    let load = Load::start(&stage.offer);
    let locked = Instant::now();
    load.goes_on_for(60).await?;
    let made = load.made_since(locked);
    assert!(!made.contains_key(bob.public_key()), "{made:?}");
    assert_eq!(
        bob.lncli(&["state"]).await?["state"],
        "LOCKED",
        "nobody unlocked it meanwhile"
    );

    bob.unlock().await?;
    let unlocked = Instant::now();
    let first = load.first_of(bob, unlocked).await?;
    let after = first.asked + first.took - unlocked;
    assert!(after <= 2 * HEALTH_PERIOD, "served after {after:?}");
    let samples = load.end_with(0).await?;
    assert_eq!(failures(&samples), Vec::<String>::new());
    stage.end().await
}
