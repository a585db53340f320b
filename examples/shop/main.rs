//! The LNURL service inside an axum application, beside that application's own routes.
//!
//! A shop sells two things. Its own routes list them; below `/pay` switchgear makes the invoices, for offers
//! that come from the shop's own goods and not from a store of ours.
//!
//! `cargo run --release --example shop` stays up until Ctrl-C; with `-- --once` a wallet gets an invoice, and
//! it ends by itself.

#![expect(clippy::print_stdout, reason = "an example is there to be read")]

mod goods;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, extract::State, routing::get};
use clap::Parser;
use switchgear_core::{Partition, backend::DiscoveryBackendStore as _};
use switchgear_examples::{Wallet, balancer, simulated_nodes, wait_for_ready};
use switchgear_http::{
    access_log::{AccessLogLayer, LoggedService},
    deadline::DeadlineLayer,
    failure::ErrorStyle,
    host::Scheme,
    lnurl::{CallbackBase, LnurlConfig, LnurlService, QrConfig},
};
use switchgear_ln::balancer::Balancer;
use switchgear_stores::memory::MemoryDiscoveryStore;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use self::goods::Goods;

/// Sells coffee and cake over Lightning.
#[derive(Debug, Parser)]
struct Arguments {
    /// End by itself after one invoice, with an exit code, instead of staying up.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = TempDir::new()?;
    let partition = Partition::try_new("shop")?;

    let nodes = simulated_nodes(folder.path(), ["n1", "n2"]).await?;
    let discovery = Arc::new(MemoryDiscoveryStore::new());
    for node in &nodes {
        discovery.post(node.backend([partition.clone()])).await?;
    }
    let (balancer, _driver) = balancer(discovery, partition.clone());
    wait_for_ready(&balancer, &partition, nodes.len()).await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let goods = Arc::new(Goods::try_new(&partition)?);
    let app = application(Arc::clone(&goods), balancer, partition, &base)?;
    let server = axum::serve(listener, app);

    println!("The shop is open at {base}, and sells:");
    for (name, offer) in goods.offers(&base) {
        println!("  {name:7} {offer}");
    }
    if arguments.once {
        tokio::select! {
            ended = server => ended?,
            bought = buy_everything(&goods, &base) => bought?,
        }
    } else {
        server
            .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
            .await?;
    }
    Ok(())
}

/// The shop's own route, and switchgear's service below `/pay` with two layers that are only its own.
fn application(
    goods: Arc<Goods>,
    balancer: Balancer,
    partition: Partition,
    base: &str,
) -> anyhow::Result<Router> {
    let style = ErrorStyle::Lnurl { as_200: false };
    let config = LnurlConfig {
        partitions: [partition].into(),
        // Callbacks point below the path that the service is mounted at.
        authority: CallbackBase::Public(format!("{base}/pay").parse()?),
        comments: None,
        invoice_expiry: Duration::from_secs(180),
        scheme: Scheme::Http,
        qr: QrConfig::default(),
        errors_as_200: false,
    };
    let pay = ServiceBuilder::new()
        .layer(AccessLogLayer::new(LoggedService::Lnurl))
        .layer(DeadlineLayer::new(Duration::from_secs(10), style))
        .service(LnurlService::new(
            config,
            Arc::clone(&goods) as _,
            Arc::new(balancer),
        ));
    Ok(Router::new()
        .route("/", get(list))
        .with_state(goods)
        .nest_service("/pay", pay))
}

/// What the shop says of itself; none of switchgear's business.
async fn list(State(goods): State<Arc<Goods>>) -> String {
    goods.names().collect::<Vec<_>>().join("\n")
}

/// Asks for an invoice for each of the goods as a wallet does, from its LNURL on.
async fn buy_everything(goods: &Goods, base: &str) -> anyhow::Result<()> {
    let wallet = Wallet::new();
    let (status, names) = wallet.text(base).await?;
    anyhow::ensure!(status.is_success(), "the shop answers {status}");
    anyhow::ensure!(names.lines().eq(goods.names()), "the shop lists {names}");
    for (name, url) in goods.offers(base) {
        let (_, lnurl) = wallet.text(&format!("{url}/bech32")).await?;
        let offer = wallet.look(&lnurl).await?;
        let invoice = wallet.invoice(&offer, offer.min_sendable).await?;
        println!("{name}: {} msat, {}", invoice.msat, invoice.bolt11);
    }
    Ok(())
}
