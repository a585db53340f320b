use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use switchgear_core::{Partition, backend::Backend};
use switchgear_ln::sim::{Fault, SimNode, SimNodeConfig, SimNodeKind};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// Simulated nodes called `n1`, `n2`, … on a thread of their own, as nodes have machines of their own.
pub(crate) struct Fleet {
    nodes: Vec<Arc<SimNode>>,
    thread: Option<Runtime>,
}

impl Fleet {
    /// So many nodes, with their files in folders of their own below `folder`.
    pub(crate) async fn start(folder: &Path, nodes: usize) -> anyhow::Result<Self> {
        Self::start_of(folder, &vec![SimNodeKind::Lnd; nodes]).await
    }

    /// As [`Self::start`], a node of each of `kinds`.
    pub(crate) async fn start_of(folder: &Path, kinds: &[SimNodeKind]) -> anyhow::Result<Self> {
        let configs = kinds.iter().zip(1..).map(|(kind, number)| {
            let name = format!("n{number}");
            SimNodeConfig::new(&name, folder.join(&name)).with_kind(*kind)
        });
        Self::start_with(configs, || ()).await
    }

    /// Nodes as they are described, on a thread that first does `on_start`.
    pub(crate) async fn start_with(
        configs: impl IntoIterator<Item = SimNodeConfig>,
        on_start: impl Fn() + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let thread = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("nodes")
            .on_thread_start(on_start)
            .enable_all()
            .build()?;
        let mut fleet = Self {
            nodes: Vec::new(),
            thread: Some(thread),
        };
        for config in configs {
            let node = fleet.on_thread(SimNode::start(config)).await??;
            fleet.nodes.push(Arc::new(node));
        }
        Ok(fleet)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node `n1` is the first, 0.
    ///
    /// # Panics
    /// When there are not so many.
    pub(crate) fn node(&self, index: usize) -> &SimNode {
        &self.nodes[index]
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &SimNode> {
        self.nodes.iter().map(|node| &**node)
    }

    /// What the node of this key is called; `None` for a stranger.
    pub(crate) fn name_of(&self, payee: &str) -> Option<String> {
        let mut nodes = self.nodes.iter();
        let index = nodes.position(|node| node.public_key().to_string() == payee)?;
        Some(format!("n{}", index + 1))
    }

    /// How the node is registered, in `partition`.
    pub(crate) fn backend(&self, index: usize, partition: &str) -> anyhow::Result<Backend> {
        Ok(self.node(index).backend([Partition::try_new(partition)?]))
    }

    /// Lets a node fail, or no more.
    pub(crate) async fn set_fault(&self, index: usize, fault: Option<Fault>) -> anyhow::Result<()> {
        let node = self.nodes.get(index).context("there is no such node")?;
        let node = Arc::clone(node);
        let set = async move { node.set_fault(fault).await };
        Ok(self.on_thread(set).await??)
    }

    /// Lets all nodes fail at once, or no more.
    pub(crate) async fn set_fault_of_all(&self, fault: Option<Fault>) -> anyhow::Result<()> {
        let mut set = JoinSet::new();
        for node in &self.nodes {
            let (node, fault) = (Arc::clone(node), fault.clone());
            set.spawn_on(async move { node.set_fault(fault).await }, self.handle());
        }
        while let Some(done) = set.join_next().await {
            done??;
        }
        Ok(())
    }

    /// How often a fault of a node was felt so far.
    pub(crate) fn faults_served(&self, index: usize) -> u64 {
        self.node(index).faults_served()
    }

    /// What is spawned by `future` stays on the nodes' thread.
    async fn on_thread<F>(&self, future: F) -> anyhow::Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Ok(self.handle().spawn(future).await?)
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        let thread = self.thread.as_ref();
        thread.expect("the thread ends with the fleet").handle()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // A runtime that is dropped among async tasks would wait, and panic.
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}
