use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use switchgear_core::{
    backend::{BackendPatch, DiscoveryBackendStore as _, Weight},
    offer::{OfferMetadataStore as _, OfferStore as _},
};
use switchgear_examples::Wallet;
use switchgear_http::auth::Audience;
use switchgear_stores::sqlite::SqliteStore;
use switchgear_tests::eventually;
use tempfile::TempDir;
use tokio::time::{Instant, sleep_until};

use crate::{
    apart::{Apart, Outage, STORE_TIMEOUT},
    fleet::Fleet,
    row::Row,
    size::seconds,
    stage::PATIENCE,
    steady::asking_while,
    window::Window,
};

/// As `swgr` has it by default.
const REFRESH_PERIOD: Duration = Duration::from_secs(1);

pub(crate) const COFFEE: &str = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";
const TEA: &str = "0b6a4f3c-52a8-4b1f-9a0e-7d9f3c1e2a44";
const TEXT: &str = "88deff7e-ca45-4144-8fca-286a5a18fb1a";

/// The store's process is gone, and its port refuses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b10_the_nodes_known_last_serve_while_the_discovery_store_is_dead() -> anyhow::Result<()> {
    nodes_known_last_serve(Outage::Killed).await
}

/// The store's process accepts connections, and answers nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b10_the_nodes_known_last_serve_while_the_discovery_store_stands_still()
-> anyhow::Result<()> {
    nodes_known_last_serve(Outage::Frozen).await
}

/// While the store is away, another instance removes `n1`, makes `n2` heavier and adds `n3`.
async fn nodes_known_last_serve(outage: Outage) -> anyhow::Result<()> {
    let (mut site, _folder) = Site::start(3).await?;
    let wallet = Wallet::new();
    let (url, fleet) = (site.offer(COFFEE), Arc::clone(&site.fleet));
    let ask = || ask(wallet.clone(), url.clone(), Arc::clone(&fleet));

    let script = async |start: Instant| {
        sleep_until(start + Duration::from_secs(1)).await;
        site.apart.discovery.strike(outage)?;
        let gone = Instant::now();
        site.logged("discovery cannot be read").await?;
        site.change_nodes().await?;
        sleep_until(gone + seconds(5, 600)).await;
        let before = start.elapsed();

        site.apart.discovery.return_from(outage).await?;
        let back = Instant::now();
        eventually("an invoice of the new node", PATIENCE, async || {
            Ok((ask().await? == "n3").then_some(()))
        })
        .await?;
        let (live_after, live) = (back.elapsed(), start.elapsed());
        sleep_until(back + 3 * REFRESH_PERIOD).await;
        anyhow::Ok((before, live_after, live))
    };
    let ((before, live_after, live), samples) = asking_while(20, ask, script).await?;

    let all = Window::of(&samples, Duration::ZERO..Duration::MAX);
    let without = Window::of(&samples, Duration::ZERO..before);
    let with = Window::of(&samples, live..Duration::MAX);
    let what = match outage {
        Outage::Killed => "the remote discovery store killed, then back with changes",
        Outage::Frozen => "the remote discovery store frozen, then back with changes",
    };
    let mut row = Row::new("B10", what);
    row.figure(all.in_words());
    row.figure(format!("the new set serves after {live_after:.1?}"));
    row.must_not_fail(&all);
    row.must(
        "the nodes known last serve",
        without.made.keys().eq(["n1", "n2"].iter()),
    );
    row.must(
        "then the new ones do, and the removed one no more",
        with.made.keys().eq(["n2", "n3"].iter()),
    );
    row.must("within 2 refreshes", live_after <= 2 * REFRESH_PERIOD);
    row.must(
        "the log says that the store can be read again",
        site.apart.logged("discovery can be read again")? > 0,
    );
    row.must("0 panics", site.apart.logged("panicked")? == 0);
    row.finish()
}

/// An offer that was served before goes on being served as it was then. A payer who asks for another one
/// is told soon and in words that there is none to be had, and what knows the nodes is not disturbed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b10_offers_known_last_are_paid_while_their_store_is_gone_and_its_changes_once_it_is_back()
-> anyhow::Result<()> {
    let mut row = Row::new("B10", "the remote offer store gone, then back with changes");
    let (mut site, _folder) = Site::start(2).await?;
    let wallet = Wallet::new();
    let mut slowest = Duration::ZERO;
    let (mut refusals, mut paid) = (0, 0);
    for (outage, text) in [(Outage::Killed, "black"), (Outage::Frozen, "white")] {
        let known = wallet.look(&site.offer(COFFEE)).await?;
        site.apart.offers.strike(outage)?;
        let until = Instant::now() + seconds(2, 300);
        site.change_offers(text).await?;
        while Instant::now() < until {
            let offer = wallet.look(&site.offer(COFFEE)).await?;
            anyhow::ensure!(offer.metadata == known.metadata, "{}", offer.metadata);
            wallet.invoice(&offer, 1_000).await?;
            paid += 1;
            slowest = slowest.max(site.refused_soon(&wallet).await?);
            refusals += 1;
            sleep_until(Instant::now() + Duration::from_millis(100)).await;
        }
        let (status, health) = site.apart.health().await?;
        row.must(
            format!("ready all the while ({outage:?})"),
            status == 200 && health["partitions"][0]["ready"] == 2,
        );
        site.apart.offers.return_from(outage).await?;
        let back = Instant::now();
        let change = eventually("the change of an offer", PATIENCE, async || {
            let offer = wallet.look(&site.offer(COFFEE)).await?;
            let changed = offer.metadata == format!(r#"[["text/plain","{text}"]]"#);
            Ok(changed.then_some(offer))
        });
        let offer = change.await?;
        row.figure(format!(
            "{outage:?}: its change is served after {:.1?}",
            back.elapsed()
        ));
        row.must(
            format!("within 3 s ({outage:?})"),
            back.elapsed() <= Duration::from_secs(3),
        );
        wallet.invoice(&offer, 1_000).await?;
    }
    wallet.look(&site.offer(TEA)).await?;

    row.figure(format!(
        "{paid} invoices for the offer known, {refusals} requests for another refused, the slowest after {slowest:.1?}"
    ));
    row.must("it was gone", refusals > 0);
    row.must("the offer known is paid all the while", paid > 0);
    row.must(
        "another is refused with LUD-06's error within the store's timeout + 1 s",
        slowest <= STORE_TIMEOUT + Duration::from_secs(1),
    );
    row.must("0 panics", site.apart.logged("panicked")? == 0);
    row.finish()
}

/// Nodes, of which the first two are registered, and `swgr` apart from its stores.
struct Site {
    fleet: Arc<Fleet>,
    apart: Apart,
}

impl Site {
    async fn start(nodes: usize) -> anyhow::Result<(Self, TempDir)> {
        let folder = TempDir::with_prefix("nodes-")?;
        let fleet = fleet(folder.path(), nodes).await?;
        let apart = Apart::start(async |backends, offers| {
            for index in 0..2 {
                backends.post(fleet.backend(index, "default")?).await?;
            }
            put_offer(offers, COFFEE, "a coffee").await
        })
        .await?;
        apart.ready(2).await?;
        Ok((Self { fleet, apart }, folder))
    }

    fn offer(&self, id: &str) -> String {
        format!("{}/offers/default/{id}", self.apart.url())
    }

    async fn logged(&self, text: &str) -> anyhow::Result<()> {
        eventually(text, PATIENCE, async || {
            Ok((self.apart.logged(text)? > 0).then_some(()))
        })
        .await
    }

    async fn change_nodes(&self) -> anyhow::Result<()> {
        let store = self.apart.database(Audience::Discovery).await?;
        let address = |index| anyhow::Ok(self.fleet.backend(index, "default")?.address);
        store.delete(&address(0)?).await?;
        let heavier = BackendPatch {
            weight: Some(Weight::new(2)),
            ..BackendPatch::default()
        };
        store.patch(&address(1)?, heavier).await?;
        Ok(store.post(self.fleet.backend(2, "default")?).await?)
    }

    async fn change_offers(&self, text: &str) -> anyhow::Result<()> {
        let store = self.apart.database(Audience::Offer).await?;
        put_offer(&store, COFFEE, text).await?;
        put_offer(&store, TEA, text).await
    }

    /// How long it takes until a payer is refused who asks for an offer that was not served before. The
    /// answer tells nothing of the store.
    async fn refused_soon(&self, wallet: &Wallet) -> anyhow::Result<Duration> {
        let asked = Instant::now();
        let url = format!("{}/invoice?amount=1000", self.offer(TEA));
        let (status, body) = wallet.text(&url).await?;
        let answer: Value = serde_json::from_str(&body)?;
        anyhow::ensure!(
            status == 502 && answer["status"] == "ERROR",
            "{status}: {body}"
        );
        anyhow::ensure!(!body.contains("127.0.0.1"), "{body}");
        Ok(asked.elapsed())
    }
}

async fn fleet(folder: &Path, nodes: usize) -> anyhow::Result<Arc<Fleet>> {
    Ok(Arc::new(Fleet::start(folder, nodes).await?))
}

pub(crate) async fn put_offer(store: &SqliteStore, id: &str, text: &str) -> anyhow::Result<()> {
    let metadata = json!({"partition": "default", "id": TEXT, "text": text});
    store
        .put_metadata(serde_json::from_value(metadata)?)
        .await?;
    let offer = json!({
        "partition": "default",
        "id": id,
        "minSendable": 1_000,
        "maxSendable": 1_000_000,
        "metadataId": TEXT,
        "timestamp": "2024-01-01T00:00:00Z",
    });
    store.put_offer(serde_json::from_value(offer)?).await?;
    Ok(())
}

/// The name of the node that makes an invoice for the offer at `url`.
async fn ask(wallet: Wallet, url: String, fleet: Arc<Fleet>) -> anyhow::Result<String> {
    let offer = wallet.look(&url).await?;
    let invoice = wallet.invoice(&offer, 21_000).await?;
    let name = fleet.name_of(&invoice.payee);
    name.ok_or_else(|| anyhow::anyhow!("a stranger is paid: {}", invoice.payee))
}
