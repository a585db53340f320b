//! The main job, with nothing else installed: three simulated nodes over real TLS and gRPC, SQLite in
//! a temporary folder, and the real HTTP services. A wallet looks at an offer and gets an invoice;
//! then one node is killed and another frozen, and invoices go on.
//!
//! `cargo run --release --example demo` stays up until Ctrl-C; with `-- --once` it ends by itself,
//! with exit code 1 if an invoice failed. `RUST_LOG=info` shows what the services log.

#![expect(clippy::print_stdout, reason = "a demo is there to be read")]

mod fleet;
mod services;
mod storm;

use std::{io::IsTerminal as _, time::Instant};

use clap::Parser;
use qrcode::{QrCode, render::unicode::Dense1x2};
use switchgear_examples::Wallet;
use switchgear_ln::sim::Fault;
use tempfile::TempDir;

use self::{fleet::Nodes, services::Services, storm::storm};

/// Shows invoices going on while nodes die and freeze.
#[derive(Debug, Parser)]
struct Arguments {
    /// End by itself, with an exit code, instead of staying up.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let started = Instant::now();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider is installed"))?;

    let folder = TempDir::new()?;
    let nodes = Nodes::start(folder.path()).await?;
    let services = Services::start(folder.path()).await?;
    nodes.register(&services).await?;
    let lnurl = services.publish("A coffee, paid over Lightning").await?;
    let (wallet, lnurl) = (Wallet::new(), show_offer(&lnurl).await?);

    let offer = wallet.look(&lnurl).await?;
    let asked = Instant::now();
    let invoice = wallet.invoice(&offer, 21_000).await?;
    println!(
        "  {} made the first invoice in {:.1?}, {:.1?} after the start:\n  {}\n  \
         amount, description hash and signature verified\n",
        nodes.name(&invoice.payee),
        asked.elapsed(),
        started.elapsed(),
        invoice.bolt11,
    );

    let mut failed = storm("All three nodes are up", &wallet, &offer, &nodes, None).await?;
    let killed = Some((0, Fault::Die));
    failed += storm("n1 is killed", &wallet, &offer, &nodes, killed).await?;
    let frozen = Some((1, Fault::Freeze));
    failed += storm("n2 is frozen too", &wallet, &offer, &nodes, frozen).await?;
    nodes.mend().await?;
    let back = storm::until_all_take_part(&wallet, &offer, &nodes).await?;
    println!("  n1 and n2 are back       all three make invoices again after {back:.1?}\n");

    println!(
        "  {failed} invoices failed, {:.1?} in all",
        started.elapsed()
    );
    if !arguments.once {
        println!("\n  Try it, or scan the code with a wallet of this machine; Ctrl-C ends it:\n");
        println!("  curl '{}?amount=21000'", offer.callback);
        println!("  curl '{}'", services.health_url());
        tokio::signal::ctrl_c().await?;
    }
    services.stop().await;
    anyhow::ensure!(failed == 0, "{failed} invoices failed");
    Ok(())
}

/// Prints the offer's URL, its LNURL and that one's QR code; gives the LNURL.
async fn show_offer(url: &str) -> anyhow::Result<String> {
    let (_, lnurl) = Wallet::new().text(&format!("{url}/bech32")).await?;
    let picture = QrCode::new(&lnurl)?.render::<Dense1x2>().build();
    println!("\n{picture}\n\n  {lnurl}\n  {url}\n");
    Ok(lnurl)
}
