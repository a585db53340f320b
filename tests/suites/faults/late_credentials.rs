use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use switchgear_ln::sim::SimNode;
use switchgear_tests::eventually;
use tokio::time::{Instant, sleep_until};

use crate::{
    load::Pace,
    row::Row,
    size::seconds,
    stage::{PATIENCE, Stage},
};

/// As `swgr` has it by default.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);

/// The first two nodes have their files all the time.
const EARLY: usize = 2;

/// Nodes are registered before their credential files are there, or are whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_serves_within_two_health_periods_of_its_credential_files_appearing()
-> anyhow::Result<()> {
    let stage = Stage::start(EARLY + Beginning::ALL.len(), &[]).await?;
    let late = take_away(&stage).await?;
    let mut row = Row::new("late", "four nodes whose credential files come after them");
    let mut whole_at = Duration::ZERO;
    let mut served_after = Duration::ZERO;
    let mut told = Vec::new();
    let pace = Pace::new(50, seconds(10, 75));
    let load = pace
        .run(&stage, async |start| {
            let registered = Instant::now();
            for node in &late {
                node.register(&stage).await?;
            }
            for node in &late {
                node.said_why(&stage).await?;
            }
            sleep_until(registered + seconds(4, 60)).await;
            for node in &late {
                node.half_write()?;
            }
            sleep_until(Instant::now() + 2 * HEALTH_PERIOD).await;
            told = late
                .iter()
                .map(|node| node.told(&stage))
                .collect::<Result<_, _>>()?;
            whole_at = start.elapsed();
            for node in &late {
                node.files.put_back()?;
            }
            served_after = all_serve(&stage, start + whole_at).await?;
            Ok(())
        })
        .await?;

    let without = load.window(Duration::ZERO..whole_at);
    row.figure(load.all().in_words());
    row.figure(format!("all serve after {served_after:.1?}"));
    row.must_not_fail(&load.all());
    row.must(
        "the nodes that have their files serve meanwhile",
        without.made.keys().eq(["n1", "n2"].iter()),
    );
    row.must(
        "the log names the file once",
        told.iter().all(|lines: &usize| *lines == 1),
    );
    row.must(
        "serves within two health periods",
        served_after <= 2 * HEALTH_PERIOD,
    );
    row.finish()?;
    stage.end().await
}

/// Removes the late nodes, and takes their files away.
async fn take_away(stage: &Stage) -> anyhow::Result<Vec<LateNode>> {
    let mut late = Vec::new();
    for (index, beginning) in (EARLY..).zip(Beginning::ALL) {
        let address = format!("pk/{}", stage.fleet.node(index).public_key());
        stage
            .swgr
            .cli(&["discovery", "delete", &address], "")
            .await?;
        let files = Files::take(stage.fleet.node(index))?;
        let other = stage.fleet.node(0).tls_cert_path();
        late.push(LateNode::new(index, beginning, files, other)?);
    }
    stage.ready(EARLY).await?;
    Ok(late)
}

/// How long it takes, from `since` on, until each node has made an invoice.
async fn all_serve(stage: &Stage, since: Instant) -> anyhow::Result<Duration> {
    let wallet = stage.wallet();
    let mut missing: Vec<String> = (EARLY..stage.fleet.len())
        .map(|index| format!("n{}", index + 1))
        .collect();
    eventually("an invoice of each node", PATIENCE, async || {
        let maker = wallet.ask(21_000).await?;
        missing.retain(|name| *name != maker);
        Ok(missing.is_empty().then_some(()))
    })
    .await
    .with_context(|| format!("{missing:?} do not serve"))?;
    Ok(since.elapsed())
}

/// What there is of a node's files when it is registered.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    Nothing,
    NoMacaroon,
    EmptyMacaroon,
    CutCertificate,
}

impl Beginning {
    const ALL: [Self; 4] = [
        Self::Nothing,
        Self::NoMacaroon,
        Self::EmptyMacaroon,
        Self::CutCertificate,
    ];
}

/// A node that is registered before its files are whole.
struct LateNode {
    name: String,
    index: usize,
    beginning: Beginning,
    files: Files,
    /// The certificate of another node.
    other: PathBuf,
}

impl LateNode {
    fn new(
        index: usize,
        beginning: Beginning,
        files: Files,
        other: PathBuf,
    ) -> anyhow::Result<Self> {
        match beginning {
            Beginning::Nothing => {}
            Beginning::NoMacaroon => files.certificate.put_back()?,
            Beginning::EmptyMacaroon => {
                files.certificate.put_back()?;
                files.macaroon.put(&[])?;
            }
            Beginning::CutCertificate => {
                files.certificate.put_half()?;
                files.macaroon.put_back()?;
            }
        }
        Ok(Self {
            name: format!("\"n{}\"", index + 1),
            index,
            beginning,
            files,
            other,
        })
    }

    async fn register(&self, stage: &Stage) -> anyhow::Result<()> {
        let backend = stage.fleet.backend(self.index, "default")?;
        stage.swgr.post(&serde_json::to_string(&backend)?).await
    }

    /// The file that is wrong, and what is wrong with it, as the log has them.
    fn reason(&self) -> [String; 2] {
        let (file, wrong) = match self.beginning {
            Beginning::Nothing => (&self.files.certificate, "there is no such file"),
            Beginning::NoMacaroon => (&self.files.macaroon, "there is no such file"),
            Beginning::EmptyMacaroon => (&self.files.macaroon, "is empty"),
            Beginning::CutCertificate => (&self.files.certificate, "is not PEM"),
        };
        [file.path.display().to_string(), wrong.to_owned()]
    }

    /// Waits until the log says why the node is unhealthy.
    async fn said_why(&self, stage: &Stage) -> anyhow::Result<()> {
        eventually("why the node is unhealthy", PATIENCE, async || {
            Ok((self.told(stage)? > 0).then_some(()))
        })
        .await
        .with_context(|| format!("{:?} is not in the log", self.reason()))
    }

    /// How often the log said it.
    fn told(&self, stage: &Stage) -> anyhow::Result<usize> {
        let [path, wrong] = self.reason();
        let lines = stage.log_lines(&[&self.name, " is unhealthy: ", &path, &wrong])?;
        Ok(lines.len())
    }

    /// As who copies files leaves them in between, or mistakes one for another.
    fn half_write(&self) -> anyhow::Result<()> {
        match self.beginning {
            Beginning::Nothing => self.files.certificate.put_half(),
            Beginning::NoMacaroon => self.files.macaroon.put(&[]),
            Beginning::EmptyMacaroon => self.files.macaroon.put_half(),
            Beginning::CutCertificate => {
                let other = fs::read(&self.other)?;
                self.files.certificate.put(&other)
            }
        }
    }
}

/// Both credential files of a node.
struct Files {
    certificate: Kept,
    macaroon: Kept,
}

impl Files {
    fn take(node: &SimNode) -> anyhow::Result<Self> {
        Ok(Self {
            certificate: Kept::take(&node.tls_cert_path())?,
            macaroon: Kept::take(&node.macaroon_path())?,
        })
    }

    fn put_back(&self) -> anyhow::Result<()> {
        self.certificate.put_back()?;
        self.macaroon.put_back()
    }
}

/// A file, and what it should hold.
struct Kept {
    path: PathBuf,
    content: Vec<u8>,
}

impl Kept {
    fn take(path: &Path) -> anyhow::Result<Self> {
        let content = fs::read(path)?;
        fs::remove_file(path)?;
        Ok(Self {
            path: path.to_owned(),
            content,
        })
    }

    fn put(&self, content: &[u8]) -> anyhow::Result<()> {
        Ok(fs::write(&self.path, content)?)
    }

    fn put_half(&self) -> anyhow::Result<()> {
        self.put(&self.content[..self.content.len() / 2])
    }

    fn put_back(&self) -> anyhow::Result<()> {
        self.put(&self.content)
    }
}
