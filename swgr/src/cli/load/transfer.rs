use std::{fs::File, io::Write as _, path::PathBuf, time::Duration};

use anyhow::Context as _;
use switchgear_stores::http::HttpOfferStore;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::{
    courier::{Courier, Delivery},
    journal::{self, Done, Journal},
    lines::{self, Line},
    order::Order,
    progress::Progress,
    record::{Key, Kind, Record},
    resume::Resume,
    source::{Input, Source},
    tally::Tally,
};
use crate::{Failure, cli::say, compose::Signals};

/// How many records are read ahead for each request under way: enough that some of them wait for no
/// other record, few enough that pictures fill no memory.
const AHEAD: usize = 4;

/// What a transfer needs.
pub(super) struct TransferConfig {
    pub(super) store: HttpOfferStore,
    pub(super) concurrency: usize,
    pub(super) patience: Duration,
    pub(super) journal: Option<Journal>,
    pub(super) done: Done,
    pub(super) refused: Option<(PathBuf, File)>,
    pub(super) total: Option<usize>,
    pub(super) is_quiet: bool,
}

/// Records on their way from lines to the service, and the books about them.
pub(super) struct Transfer {
    courier: Courier,
    tasks: JoinSet<Settled>,
    window: usize,
    order: Order,
    journal: Option<Journal>,
    resume: Resume,
    refused: Option<(PathBuf, File)>,
    tally: Tally,
    progress: Progress,
    stop: watch::Sender<bool>,
    signals: Signals,
    /// Why no further record is sent.
    end: Option<End>,
}

/// How a transfer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Every record was sent or refused.
    Finished,
    /// By the signal of this name.
    Stopped(&'static str),
    /// The service fails, for this reason.
    Failed(String),
}

/// A record whose request is over.
struct Settled {
    number: usize,
    hash: u64,
    key: Key,
    /// The line itself, where it would be needed.
    content: Option<Vec<u8>>,
    delivery: Delivery,
}

impl Transfer {
    pub(super) fn new(config: TransferConfig) -> Result<Self, Failure> {
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            courier: Courier::new(config.store, config.concurrency, config.patience, stopped),
            tasks: JoinSet::new(),
            window: config.concurrency.saturating_mul(AHEAD),
            order: Order::default(),
            journal: config.journal,
            resume: Resume::after(config.done),
            refused: config.refused,
            tally: Tally::default(),
            progress: Progress::new(config.is_quiet, config.total),
            stop,
            signals: Signals::listen()?,
            end: None,
        })
    }

    /// Sends everything: a file's metadata, then its offers; a stream as it comes.
    pub(super) async fn run(&mut self, source: &Source) -> Result<End, Failure> {
        let passes: &[Pass] = match source {
            Source::File { .. } => &[Pass::Metadata, Pass::Offers],
            Source::Stream(_) => &[Pass::All],
        };
        for pass in passes {
            let mut input = source.open().await?;
            self.pass(*pass, &mut input, source).await?;
        }
        Ok(self.end.clone().unwrap_or(End::Finished))
    }

    /// The books, and how long it took in seconds. The journal goes when nothing is left to do.
    pub(super) fn finish(self, is_finished: bool) -> Result<(Tally, f64), Failure> {
        let Self {
            journal,
            mut tally,
            mut progress,
            ..
        } = self;
        progress.clear();
        tally.sort();
        if let Some(journal) = journal
            && is_finished
            && tally.refused() == 0
        {
            journal.remove()?;
        }
        Ok((tally, progress.elapsed().as_secs_f64()))
    }

    async fn pass(
        &mut self,
        pass: Pass,
        input: &mut Input,
        source: &Source,
    ) -> Result<(), Failure> {
        let mut ticks = interval(self.progress.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut has_ended = false;
        while !self.tasks.is_empty() || (!has_ended && self.end.is_none()) {
            let reads = !has_ended && self.end.is_none() && self.tasks.len() < self.window;
            tokio::select! {
                biased;
                signal = self.signals.next() => self.interrupt(signal)?,
                _ = ticks.tick() => self.progress.show(&self.tally),
                Some(settled) = self.tasks.join_next() => self.settle(settled)?,
                line = input.next(), if reads => {
                    match line.with_context(|| source.reading())? {
                        Some(line) => self.take(pass, line)?,
                        None => has_ended = true,
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends what a line holds, unless that is done, wrong, or another pass's.
    fn take(&mut self, pass: Pass, Line { number, content }: Line) -> Result<(), Failure> {
        let Some(content) = content else {
            return match pass.is_first() {
                true => self.refuse(
                    number,
                    None,
                    format!("is longer than {} bytes", lines::LONGEST),
                ),
                false => Ok(()),
            };
        };
        let hash = journal::hash(&content);
        match Record::parse(&content) {
            Ok(record) if !pass.sends(record.kind()) => {}
            Ok(record) if self.resume.leaves_out(number, hash, &record.key()) => {
                self.tally.earlier();
            }
            Ok(record) => self.send(number, hash, content, record),
            Err(_) if !pass.is_first() => {}
            // The program that it was loaded by knew what to make of it.
            Err(_) if self.resume.knows(number, hash) => self.tally.earlier(),
            Err(reason) => return self.refuse(number, Some(&content), reason),
        }
        Ok(())
    }

    fn send(&mut self, number: usize, hash: u64, content: Vec<u8>, record: Record) {
        let key = record.key();
        let turn = self.order.admit(number, &record);
        let content = self.refused.is_some().then_some(content);
        let courier = self.courier.clone();
        self.tasks.spawn(async move {
            let delivery = courier.deliver(number, record, turn).await;
            Settled {
                number,
                hash,
                key,
                content,
                delivery,
            }
        });
    }

    fn settle(&mut self, settled: Result<Settled, JoinError>) -> Result<(), Failure> {
        let settled = settled.context("sending a record")?;
        self.order.settle(settled.number, &settled.key);
        match settled.delivery {
            Delivery::Acknowledged(written) => {
                self.tally.acknowledged(written);
                match &mut self.journal {
                    Some(journal) => journal.acknowledged(settled.number, settled.hash),
                    None => Ok(()),
                }
            }
            Delivery::Refused(reason) => {
                self.refuse(settled.number, settled.content.as_deref(), reason)
            }
            Delivery::Failed(reason) => {
                self.end.get_or_insert(End::Failed(reason));
                self.stop.send_replace(true);
                Ok(())
            }
            Delivery::Abandoned => Ok(()),
        }
    }

    fn refuse(
        &mut self,
        number: usize,
        content: Option<&[u8]>,
        reason: String,
    ) -> Result<(), Failure> {
        self.tally.refuse(number, reason);
        if let (Some((path, file)), Some(content)) = (&mut self.refused, content) {
            let line = [content.trim_ascii_end(), b"\n"].concat();
            let written = file.write_all(&line);
            written.with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    /// The first signal waits for the requests that are under way, the second for nothing.
    fn interrupt(&mut self, signal: &'static str) -> Result<(), Failure> {
        if self.end.is_some() {
            let message = format!("a second signal ({signal}): requests under way were dropped");
            return Err(Failure::message(message));
        }
        self.end = Some(End::Stopped(signal));
        self.stop.send_replace(true);
        self.progress.clear();
        say(format_args!("{signal}: finishing the requests under way"));
        Ok(())
    }
}

/// One reading of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Metadata,
    Offers,
    All,
}

impl Pass {
    /// Whether it is the one that counts what no pass sends.
    fn is_first(self) -> bool {
        self != Self::Offers
    }

    fn sends(self, kind: Kind) -> bool {
        match self {
            Self::Metadata => kind == Kind::Metadata,
            Self::Offers => kind == Kind::Offer,
            Self::All => true,
        }
    }
}
