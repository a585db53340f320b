use std::{fmt::Write as _, iter};

use anyhow::Context as _;
use switchgear_core::{Millisatoshi, Partition, backend::Backend};
use switchgear_ln::sim::{SimNode, SimNodeConfig, SimNodeKind};

use crate::{
    arguments::Arguments,
    command::{Action, Who},
};

/// The nodes, by name.
#[derive(Debug)]
pub(crate) struct Fleet(Vec<Member>);

#[derive(Debug)]
struct Member {
    name: String,
    node: SimNode,
}

impl Fleet {
    pub(crate) async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        let lnd = iter::repeat_n(SimNodeKind::Lnd, arguments.lnd.into());
        let kinds = lnd.chain(iter::repeat_n(SimNodeKind::Cln, arguments.cln.into()));
        let mut members = Vec::new();
        for (place, kind) in (0_u16..).zip(kinds) {
            members.push(Member::start(arguments, place, kind).await?);
        }
        anyhow::ensure!(
            !members.is_empty(),
            "no nodes: give --lnd or --cln a number"
        );
        Ok(Self(members))
    }

    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|member| member.name.as_str()).collect();
        names.join(", ")
    }

    /// How each is registered.
    pub(crate) fn backends(&self, partitions: &[Partition]) -> Vec<Backend> {
        let backend = |member: &Member| member.node.backend(partitions.iter().cloned());
        self.0.iter().map(backend).collect()
    }

    /// Tells what each node that is meant did, or why it could not.
    ///
    /// # Errors
    /// When there is no such node.
    pub(crate) async fn act(&self, who: &Who, action: &Action) -> anyhow::Result<String> {
        let mut done = Vec::new();
        for member in &self.0 {
            if matches!(who, Who::Node(name) if *name != member.name) {
                continue;
            }
            let did = member.act(action).await;
            let did = did.unwrap_or_else(|error| format!("cannot: {error:#}"));
            done.push(format!("{}: {did}", member.name));
        }
        if let (Who::Node(name), true) = (who, done.is_empty()) {
            anyhow::bail!("there is no node {name}, but {}", self.names());
        }
        Ok(done.join("\n"))
    }

    /// Each node with what it has done.
    pub(crate) fn list(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(Member::line).collect();
        lines.join("\n")
    }
}

impl Member {
    async fn start(arguments: &Arguments, place: u16, kind: SimNodeKind) -> anyhow::Result<Self> {
        let name = format!("n{}", u32::from(place) + 1);
        // Who registers the node may run elsewhere.
        let directory = std::path::absolute(&arguments.directory)?;
        let mut config = SimNodeConfig::new(&name, directory.join(&name))
            .with_kind(kind)
            .with_network(arguments.network)
            .with_inbound(Millisatoshi::from_sat(arguments.inbound))
            .with_seed(arguments.seed.wrapping_add(place.into()));
        if let Some(base) = arguments.base_port {
            let port = base.checked_add(place);
            let port = port.context("not enough ports: choose a lower --base-port")?;
            config.address.set_port(port);
        }
        let address = config.address;
        let node = SimNode::start(config).await.with_context(|| {
            format!("cannot start {name} at {address} with its files in --directory")
        })?;
        Ok(Self { name, node })
    }

    async fn act(&self, action: &Action) -> anyhow::Result<String> {
        match action {
            Action::Fail(fault) => self.node.set_fault(Some(fault.clone())).await?,
            Action::Heal => self.node.set_fault(None).await?,
            Action::Restart => self.node.restart().await?,
            Action::Inbound(sat) => {
                self.node.set_inbound(Millisatoshi::from_sat(*sat));
                return Ok(format!("can receive {sat} sat"));
            }
            Action::Latency(latency) => {
                self.node.set_latency(*latency);
                return Ok(format!("takes {latency:?} for an answer"));
            }
            Action::RotateCertificate => {
                self.node.rotate_certificate()?;
                return Ok("has a new certificate".to_owned());
            }
            Action::RotateMacaroon => {
                self.node.rotate_macaroon()?;
                return Ok("has a new macaroon".to_owned());
            }
        }
        Ok(self.doing())
    }

    fn doing(&self) -> String {
        let fault = self.node.fault();
        fault.map_or_else(|| "well".to_owned(), |fault| format!("{fault:?}"))
    }

    fn line(&self) -> String {
        let counters = self.node.counters();
        let mut line = format!(
            "{} {:?} {} {}: {} connections, {} calls, {} invoices",
            self.name,
            self.node.kind(),
            self.node.url(),
            self.doing(),
            counters.connections,
            counters.calls,
            counters.invoices,
        );
        for (kind, count) in counters.felt() {
            // Writing to a string does not fail.
            let _ = write!(line, ", {kind} {count}");
        }
        line
    }
}
