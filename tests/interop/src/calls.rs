use std::sync::Arc;

use secp256k1::Secp256k1;
use tonic::{Request, Response, Status, async_trait};

use crate::{
    channels::Channel,
    invoice::{self, Refused},
    node::State,
    official::{
        Amount, GetinfoAddress, GetinfoBinding, GetinfoOurFeatures, GetinfoRequest,
        GetinfoResponse, InvoiceRequest, InvoiceResponse, ListpeerchannelsRequest,
        ListpeerchannelsResponse, node_server::Node,
    },
};

/// The official service, answered as the plugin answers.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Arc<State>);

#[async_trait]
impl Node for Calls {
    async fn getinfo(
        &self,
        _request: Request<GetinfoRequest>,
    ) -> Result<Response<GetinfoResponse>, Status> {
        self.refuse()?;
        Ok(Response::new(self.info()))
    }

    async fn invoice(
        &self,
        request: Request<InvoiceRequest>,
    ) -> Result<Response<InvoiceResponse>, Status> {
        let request = request.into_inner();
        self.0.requests.lock().push(request.clone());
        self.refuse()?;
        let made = self.make(&request).map_err(|refused| passed_on(&refused))?;
        Ok(Response::new(made))
    }

    async fn list_peer_channels(
        &self,
        _request: Request<ListpeerchannelsRequest>,
    ) -> Result<Response<ListpeerchannelsResponse>, Status> {
        self.refuse()?;
        let channels = self.0.channels.lock();
        Ok(Response::new(ListpeerchannelsResponse {
            channels: channels.iter().map(Channel::message).collect(),
        }))
    }
}

impl Calls {
    fn refuse(&self) -> Result<(), Status> {
        match &*self.0.refusal.lock() {
            Some(status) => Err(status.clone()),
            None => Ok(()),
        }
    }

    /// In lightningd's order: parameters, hints, label.
    fn make(&self, request: &InvoiceRequest) -> Result<InvoiceResponse, Refused> {
        let hinted = self.hinted(&request.exposeprivatechannels)?;
        let made = invoice::make(request, &self.0.key, &hinted)?;
        if !self.0.labels.lock().insert(request.label.clone()) {
            return Err((900, format!("Duplicate label '{}'", request.label)));
        }
        Ok(made)
    }

    /// The usable channels among those named; by id or by the peer's alias.
    fn hinted(&self, names: &[String]) -> Result<Vec<Channel>, Refused> {
        let channels = self.0.channels.lock();
        let hinted: Vec<_> = channels
            .iter()
            .filter(|channel| names.contains(&channel.id) || names.contains(&channel.alias))
            .filter(|channel| channel.is_usable())
            .cloned()
            .collect();
        if hinted.is_empty() && !names.is_empty() {
            let words = "None of those hints were suitable local channels";
            return Err((902, words.to_owned()));
        }
        Ok(hinted)
    }

    fn info(&self) -> GetinfoResponse {
        let key = self.0.key.public_key(&Secp256k1::signing_only());
        let (bitcoind, lightningd) = *self.0.behind.lock();
        let warning = |is_there: bool, text: &str| is_there.then(|| text.to_owned());
        GetinfoResponse {
            id: key.serialize().to_vec(),
            alias: "SLICKERGOPHER".to_owned(),
            color: vec![2, 3, 4],
            num_peers: 3,
            num_pending_channels: 1,
            num_active_channels: 2,
            num_inactive_channels: 1,
            version: "v25.12".to_owned(),
            lightning_dir: "/root/.lightning/regtest".to_owned(),
            our_features: Some(GetinfoOurFeatures {
                init: vec![8, 160],
                node: vec![8, 160],
                channel: vec![0],
                invoice: vec![2, 0],
            }),
            blockheight: 110,
            network: "regtest".to_owned(),
            fees_collected_msat: Some(Amount { msat: 1 }),
            address: vec![GetinfoAddress {
                item_type: 1,
                port: 9_735,
                address: Some("203.0.113.1".to_owned()),
            }],
            binding: vec![GetinfoBinding {
                item_type: 1,
                address: Some("127.0.0.1".to_owned()),
                port: Some(9_735),
                socket: None,
                subtype: None,
            }],
            warning_bitcoind_sync: warning(bitcoind, "Bitcoind is not up-to-date with network."),
            warning_lightningd_sync: warning(
                lightningd,
                "Still loading latest blocks from bitcoind.",
            ),
        }
    }
}

/// How the plugin tells a refusal of lightningd.
fn passed_on((number, message): &Refused) -> Status {
    Status::unknown(format!(
        "Error calling method Invoice: RpcError {{ code: Some({number}), message: {message:?}, data: None }}"
    ))
}
