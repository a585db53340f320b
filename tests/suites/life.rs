//! The server as a process: how soon it answers, how little it needs, and how it ends.

use std::time::Duration;

use anyhow::Context;
use switchgear_examples::Wallet;
use switchgear_tests::{Service, Swgr};

/// The best of this many starts: a busy machine makes some of them slow, and none of them fast.
const STARTS: usize = 5;

#[tokio::test]
async fn answers_within_200_ms_of_its_start_and_idles_under_25_mib() -> anyhow::Result<()> {
    let mut fastest = Duration::MAX;
    let mut smallest = u64::MAX;
    for _ in 0..STARTS {
        let swgr = Swgr::start().await?;
        fastest = fastest.min(swgr.started_in());
        let health = format!("{}/health", swgr.url(Service::Lnurl));
        assert_eq!(Wallet::new().text(&health).await?.0, 200);
        smallest = smallest.min(resident_kib(swgr.id())?);
        assert!(swgr.terminate().await?.success());
    }
    assert!(fastest < Duration::from_millis(200), "{fastest:?}");
    assert!(smallest < 25 * 1024, "{smallest} KiB");
    Ok(())
}

/// The resident memory of a process, from the kernel.
fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("the kernel tells no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
