//! A payment backend that embeds the balancer and a store, and serves no HTTP.
//!
//! It bills three orders, each by an invoice from whichever node is up. Before the second, one of the two nodes
//! dies; before the third, its operator takes it out of service in the store, and the balancer hears of it.
//!
//! `cargo run --release --example payments`: it ends by itself, with an exit code.

#![expect(clippy::print_stdout, reason = "an example is there to be read")]

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{BackendPatch, DiscoveryBackendStore as _},
    ln::{InvoiceRequest, LnBalancer},
    lnurl::PayMetadata,
};
use switchgear_examples::{balancer, simulated_nodes, wait_for_ready};
use switchgear_ln::sim::Fault;
use switchgear_stores::sqlite::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let partition = Partition::try_new("orders")?;
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("backend.db").display()
    );
    let store = Arc::new(SqliteStore::connect(SqliteConfig::new(url)).await?);

    let nodes = simulated_nodes(folder.path(), ["n1", "n2"]).await?;
    let backends = nodes.iter().map(|node| node.backend([partition.clone()]));
    let backends: Vec<_> = backends.collect();
    for backend in &backends {
        store.post(backend.clone()).await?;
    }
    let (balancer, driver) = balancer(store.clone(), partition.clone());
    wait_for_ready(&balancer, &partition, nodes.len()).await?;
    let till = Till {
        balancer: Arc::new(balancer.clone()),
        partition: partition.clone(),
    };

    till.bill("order 1: a coffee", 4_000).await?;

    let (dead, backend) = nodes.iter().zip(&backends).next().context("a node")?;
    dead.set_fault(Some(Fault::Die)).await?;
    println!("n1 has died");
    till.bill("order 2: a cake", 5_500).await?;

    let out_of_service = BackendPatch {
        enabled: Some(false),
        ..BackendPatch::default()
    };
    store.patch(&backend.address, out_of_service).await?;
    println!("n1 is out of service");
    till.bill("order 3: a coffee and a cake", 9_500).await?;

    drop((till, balancer));
    Ok(driver.await?)
}

/// What the rest of the backend calls.
struct Till {
    balancer: Arc<dyn LnBalancer>,
    partition: Partition,
}

impl Till {
    /// Makes an invoice over an order, which commits to the order's text.
    async fn bill(&self, order: &str, sat: u64) -> anyhow::Result<()> {
        let request = InvoiceRequest {
            partition: self.partition.clone(),
            amount: Millisatoshi::from_sat(sat),
            metadata: PayMetadata::from_served(order),
            expiry: Duration::from_secs(600),
            comment: None,
        };
        let issued = self.balancer.invoice(&request).await?;
        println!(
            "{order}: {sat} sat, {attempts} attempts in {elapsed:.1?}, by {node}\n  {bolt11}",
            attempts = issued.attempts,
            elapsed = issued.elapsed,
            node = issued.node,
            bolt11 = issued.invoice.bolt11,
        );
        Ok(())
    }
}
