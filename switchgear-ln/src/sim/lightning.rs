use std::{
    future,
    sync::{Arc, atomic::Ordering},
};

use tonic::{Code, Request, Response, Status, async_trait};

use super::{
    Fault, SimInvoice, SimLie,
    state::{Counters, State},
};
use crate::lnd::proto::{
    AddInvoiceResponse, Chain, Channel, ChannelConstraints, GetInfoRequest, GetInfoResponse,
    Invoice, ListChannelsRequest, ListChannelsResponse, lightning_server,
};

/// What each side keeps in a channel.
const RESERVE_SAT: u64 = 10_000;

/// The calls of LND's `lnrpc.Lightning`, answered as LND answers them.
#[derive(Debug, Clone)]
pub(super) struct Lightning(pub(super) Arc<State>);

#[async_trait]
impl lightning_server::Lightning for Lightning {
    async fn get_info(
        &self,
        request: Request<GetInfoRequest>,
    ) -> Result<Response<GetInfoResponse>, Status> {
        let fault = self.enter(&request).await?;
        let unsynced = fault == Some(Fault::Unsynced);
        self.happened(unsynced);
        Ok(Response::new(GetInfoResponse {
            identity_pubkey: self.0.public_key.clone(),
            alias: self.0.alias.clone(),
            block_height: 1,
            synced_to_chain: !unsynced,
            chains: vec![Chain {
                network: network_name(&self.0),
            }],
        }))
    }

    async fn list_channels(
        &self,
        request: Request<ListChannelsRequest>,
    ) -> Result<Response<ListChannelsResponse>, Status> {
        let fault = self.enter(&request).await?;
        if fault == Some(Fault::NoChannelRights) {
            self.happened(true);
            return Err(Status::unknown("permission denied"));
        }
        let mut channels = self.channels();
        if request.get_ref().active_only {
            channels.retain(|channel| channel.active);
        }
        Ok(Response::new(ListChannelsResponse { channels }))
    }

    async fn add_invoice(
        &self,
        request: Request<Invoice>,
    ) -> Result<Response<AddInvoiceResponse>, Status> {
        let fault = self.enter(&request).await?;
        if fault == Some(Fault::HangInvoices) {
            self.happened(true);
            future::pending::<()>().await;
        }
        let lie = match fault {
            Some(Fault::Lie(lie)) => Some(lie),
            _ => None,
        };
        let made = self
            .0
            .signer
            .make(request.get_ref(), lie)
            .map_err(|error| Status::unknown(error.to_string()))?;
        self.happened(lie.is_some());
        let answer = answer(&made, lie);
        self.0.invoices.lock().insert(made);
        let made_before = self.0.counters.invoices.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(AddInvoiceResponse {
            add_index: made_before + 1,
            ..answer
        }))
    }
}

impl Lightning {
    /// What precedes each call: faults that concern all of them, then the macaroon, in the order in
    /// which LND looks at its state and at the macaroon.
    async fn enter<T>(&self, request: &Request<T>) -> Result<Option<Fault>, Status> {
        Counters::add(&self.0.counters.calls);
        let fault = self.0.fault();
        match &fault {
            Some(Fault::Hang) => {
                self.happened(true);
                future::pending().await
            }
            Some(Fault::Slow(delay)) => {
                self.happened(true);
                tokio::time::sleep(*delay).await;
            }
            Some(Fault::Status { code, text }) => {
                self.happened(true);
                return Err(Status::new(Code::from(*code), text));
            }
            _ => {}
        }
        self.authorize(request)?;
        Ok(fault)
    }

    /// LND's words for no macaroon, several, and one that it did not make.
    fn authorize<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let mut given = request.metadata().get_all("macaroon").iter();
        let (Some(macaroon), None) = (given.next(), given.next()) else {
            let count = request.metadata().get_all("macaroon").iter().count();
            return Err(Status::unknown(format!("expected 1 macaroon, got {count}")));
        };
        if macaroon.as_bytes() != self.0.macaroon.lock().0.as_bytes() {
            return Err(Status::unknown(
                "verification failed: signature mismatch after caveat verification",
            ));
        }
        Ok(())
    }

    /// Two active channels that share the inbound capacity, and one that is not active.
    fn channels(&self) -> Vec<Channel> {
        let inbound = self.0.inbound.lock().msat() / 1_000;
        let half = inbound / 2;
        vec![
            channel(true, inbound - half),
            channel(true, half),
            channel(false, 1_000_000),
        ]
    }

    fn happened(&self, fault: bool) {
        if fault {
            Counters::add(&self.0.counters.faults);
        }
    }
}

fn channel(active: bool, receivable_sat: u64) -> Channel {
    let remote = i64::try_from(receivable_sat.saturating_add(RESERVE_SAT)).unwrap_or(i64::MAX);
    Channel {
        active,
        capacity: remote.saturating_mul(2),
        local_balance: remote,
        remote_balance: remote,
        remote_constraints: Some(ChannelConstraints {
            chan_reserve_sat: RESERVE_SAT,
        }),
    }
}

fn answer(made: &SimInvoice, lie: Option<SimLie>) -> AddInvoiceResponse {
    let mut payment_hash = made.payment_hash;
    if lie == Some(SimLie::PaymentHash) {
        payment_hash[0] ^= 1;
    }
    AddInvoiceResponse {
        r_hash: payment_hash.to_vec(),
        payment_request: made.bolt11.clone(),
        add_index: 0,
        payment_addr: Vec::new(),
    }
}

/// LND calls the main network by another name than this project.
fn network_name(state: &State) -> String {
    match state.signer.network {
        switchgear_core::ln::Network::Bitcoin => "mainnet".to_owned(),
        other => other.to_string(),
    }
}
