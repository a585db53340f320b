use std::{future, sync::Arc, time::Duration};

use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::Description;
use switchgear_core::ln::Network;
use tonic::{Request, Response, Status, async_trait};

use super::Met;
use crate::{
    lnd::proto::{
        AddInvoiceResponse, Chain, Channel, ChannelConstraints, GetInfoRequest, GetInfoResponse,
        Invoice, ListChannelsRequest, ListChannelsResponse, lightning_server,
    },
    sim::{
        Fault, FaultKind,
        invoice::{Asked, Described},
        state::State,
    },
};

/// What each side keeps in a channel.
const RESERVE_SAT: u64 = 10_000;

/// What LND asks for by default.
const FINAL_CLTV_DELTA: u64 = 80;

/// LND's default.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(86_400);

/// The calls of LND's `lnrpc.Lightning`, answered as LND answers them.
#[derive(Debug, Clone)]
pub(super) struct LndCalls(Arc<State>);

#[async_trait]
impl lightning_server::Lightning for LndCalls {
    async fn get_info(
        &self,
        request: Request<GetInfoRequest>,
    ) -> Result<Response<GetInfoResponse>, Status> {
        self.authorize(&request)?;
        let unsynced = Met::of(&request) == Some(&Fault::Unsynced);
        if unsynced {
            self.0.counters.served(FaultKind::Unsynced);
        }
        Ok(Response::new(GetInfoResponse {
            identity_pubkey: self.0.public_key.to_string(),
            alias: self.0.alias.clone(),
            block_height: 1,
            synced_to_chain: !unsynced,
            chains: vec![Chain {
                network: network_name(self.0.signer.network),
            }],
        }))
    }

    async fn list_channels(
        &self,
        request: Request<ListChannelsRequest>,
    ) -> Result<Response<ListChannelsResponse>, Status> {
        self.authorize(&request)?;
        match Met::of(&request) {
            Some(Fault::NoChannelRights) => {
                self.0.counters.served(FaultKind::NoChannelRights);
                return Err(Status::unknown("permission denied"));
            }
            Some(Fault::HangChannels) => {
                self.0.counters.served(FaultKind::HangChannels);
                future::pending().await
            }
            _ => {}
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
        self.authorize(&request)?;
        let lie = match Met::of(&request) {
            Some(Fault::HangInvoices) => {
                self.0.counters.served(FaultKind::HangInvoices);
                future::pending().await
            }
            Some(Fault::Lie(lie)) => Some(*lie),
            _ => None,
        };
        let made = self
            .0
            .signer
            .make(asked(request.into_inner())?, lie)
            .map_err(|error| Status::unknown(error.to_string()))?;
        if lie.is_some() {
            self.0.counters.served(FaultKind::Lie);
        }
        let (payment_request, r_hash) = made.told(lie);
        self.0.invoices.lock().insert(made);
        Ok(Response::new(AddInvoiceResponse {
            r_hash,
            payment_request,
            add_index: self.0.counters.invoice(),
            payment_addr: Vec::new(),
        }))
    }
}

impl LndCalls {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self(state)
    }

    /// LND's words for no macaroon, several, and one that it did not make.
    fn authorize<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let mut given = request.metadata().get_all("macaroon").iter();
        let (Some(macaroon), None) = (given.next(), given.next()) else {
            let count = request.metadata().get_all("macaroon").iter().count();
            return Err(Status::unknown(format!("expected 1 macaroon, got {count}")));
        };
        let credentials = self.0.credentials.lock();
        if credentials.macaroon().map(str::as_bytes) != Some(macaroon.as_bytes()) {
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
}

fn asked(invoice: Invoice) -> Result<Asked, Status> {
    let amount = u64::try_from(invoice.value_msat).map_err(|_| {
        let value = invoice.value_msat;
        Status::unknown(format!(
            "payments of negative value are not allowed, value is {value}"
        ))
    })?;
    Ok(Asked {
        amount: Some(amount).filter(|msat| *msat > 0),
        described: described(invoice.description_hash, invoice.memo)?,
        expiry: match u64::try_from(invoice.expiry) {
            Ok(seconds @ 1..) => Duration::from_secs(seconds),
            _ => DEFAULT_EXPIRY,
        },
        final_cltv_delta: FINAL_CLTV_DELTA,
        private: invoice.private,
        amp: invoice.is_amp,
        label: None,
    })
}

fn described(hash: Vec<u8>, memo: String) -> Result<Described, Status> {
    if hash.is_empty() {
        let refused = |_| Status::unknown("memo too large: maximum length of 639 bytes allowed");
        return Description::new(memo).map(Described::Text).map_err(refused);
    }
    sha256::Hash::from_slice(&hash)
        .map(Described::Hash)
        .map_err(|_| {
            let length = hash.len();
            Status::unknown(format!("description hash is {length} bytes, must be 32"))
        })
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

/// LND calls the main network by another name than this project.
fn network_name(network: Network) -> String {
    match network {
        Network::Bitcoin => "mainnet".to_owned(),
        other => other.to_string(),
    }
}
