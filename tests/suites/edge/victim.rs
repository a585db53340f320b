use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use switchgear_tests::{Door, Service, Swgr, SwgrOptions, eventually};
use tokio::time::sleep;

use crate::stage::PATIENCE;

pub(crate) const SERVICES: [Service; 3] = [Service::Lnurl, Service::Discovery, Service::Offer];

/// What the kernel counts a process's time in.
const TICK: Duration = Duration::from_millis(10);

/// `swgr` with limits that are soon reached, before no node: what it takes is looked at.
pub(crate) struct Victim {
    pub(crate) swgr: Swgr,
}

impl Victim {
    /// With a time limit for each thing that a peer may be slow at.
    pub(crate) async fn start(options: SwgrOptions, limit: Duration) -> anyhow::Result<Self> {
        let seconds = limit.as_secs();
        let names = ["header", "idle", "request", "write"];
        let limits = names.map(|name| format!("{name}-timeout-secs: {seconds}"));
        let limits = format!("limits: {{ {} }}", limits.join(", "));
        let options = SERVICES.into_iter().fold(options, |options, service| {
            options.with_lines(service, &[&limits])
        });
        let swgr = Swgr::start_as(&options).await?;
        Ok(Self { swgr })
    }

    /// How it is asked, in a word for a row.
    pub(crate) fn way(&self) -> anyhow::Result<&'static str> {
        let is_tls = self.swgr.door(Service::Lnurl)?.is_tls();
        Ok(if is_tls { "TLS" } else { "plain" })
    }

    /// The token of a service; none where it asks for none.
    pub(crate) fn token(&self, service: Service) -> anyhow::Result<String> {
        let token = match service {
            Service::Lnurl => String::new(),
            _ => fs::read_to_string(self.swgr.token(service))?,
        };
        Ok(token.trim().to_owned())
    }

    /// The ways to its services.
    pub(crate) fn doors(&self) -> anyhow::Result<Vec<Door>> {
        SERVICES
            .into_iter()
            .map(|service| self.swgr.door(service))
            .collect()
    }

    /// What it holds in memory, in KiB.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.swgr.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.context("the kernel tells no VmRSS")?;
        Ok(resident.trim().trim_end_matches(" kB").parse()?)
    }

    /// The processor's time that it has had.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.swgr.id()))?;
        // The name, which may hold anything, ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(") ").context("no name")?;
        let fields: Vec<_> = fields.split(' ').collect();
        let ticks = |index: usize| -> anyhow::Result<u32> {
            Ok(fields.get(index).context("a short line")?.parse()?)
        };
        Ok(TICK * (ticks(11)? + ticks(12)?))
    }

    /// Waits until it has nothing to do any more; gives the processor's time that it took for that.
    pub(crate) async fn idle(&self) -> anyhow::Result<Duration> {
        const WINDOW: Duration = Duration::from_millis(300);

        let begun = self.processor_time()?;
        eventually("an idle server", PATIENCE, async || {
            let before = self.processor_time()?;
            // The time over which its work is counted.
            sleep(WINDOW).await;
            let after = self.processor_time()?;
            Ok((after - before <= WINDOW / 10).then(|| before - begun))
        })
        .await
    }

    /// Whether all services answer.
    pub(crate) async fn must_serve(&self) -> anyhow::Result<()> {
        for door in self.doors()? {
            let health = door.get("/health").await?;
            ensure!(health.status == 200, "/health answered {health:?}");
        }
        Ok(())
    }

    /// Stops it as an operator does: whatever was sent to it, nothing may have panicked.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let log = self.swgr.log()?;
        ensure!(!log.contains("panicked"), "something panicked:\n{log}");
        let status = self.swgr.terminate().await?;
        ensure!(status.success(), "swgr ended with {status}");
        Ok(())
    }
}
