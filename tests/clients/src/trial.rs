use std::{collections::HashSet, fmt};

use anyhow::{Context as _, ensure};

use crate::{
    client::{Client, Program, ShowsReason},
    invoice::{self, Good},
    stage::{Offer, Stage},
};

/// Not of one digit, and no round number.
const SATOSHI: u64 = 1_234;
/// With letters of two, three and four bytes, and what must be escaped in a query; but without `&`, `+` and `#`, of
/// which `lnurl-rs` escapes none.
const COMMENT: &str = "Zwei Stück, bitte: ☕ = 🍰?";

/// How a client did.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Well, and what it is.
    Passed(String),
    /// Not well.
    Failed(anyhow::Error),
    /// It could not be installed.
    Untested(anyhow::Error),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(version) => write!(f, "passed    {version}"),
            // What a program said at its end may have many lines.
            Self::Failed(error) => {
                let text = format!("{error:#}").replace('\n', "\n    ");
                write!(f, "FAILED    {text}")
            }
            Self::Untested(error) => write!(f, "untested  {error:#}"),
        }
    }
}

/// The same trial for every client.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    stage: &'a Stage,
    /// Whom the comment leads to.
    payee: String,
    /// The reason that a payer reads when there are no nodes.
    reason: String,
    /// Payment hashes that were seen.
    seen: HashSet<String>,
}

impl<'a> Trial<'a> {
    /// Asks by itself first, to know what to expect.
    pub(crate) fn begin(stage: &'a Stage) -> anyhow::Result<Self> {
        let mut trial = Self {
            stage,
            payee: String::new(),
            reason: String::new(),
            seen: HashSet::new(),
        };
        let answer = trial.ask(&stage.payable)?;
        let invoice = answer["pr"].as_str();
        let invoice = invoice.with_context(|| format!("no invoice: {answer}"))?;
        trial.payee = trial.check(invoice)?.payee;
        for offer in [&stage.unpayable, &stage.unpayable_as_200] {
            let answer = trial.ask(offer)?;
            ensure!(answer["status"] == "ERROR", "no LNURL error: {answer}");
            let reason = answer["reason"].as_str().context("no reason")?;
            reason.clone_into(&mut trial.reason);
        }
        Ok(trial)
    }

    /// Installs a client and tries it.
    pub(crate) fn of(&mut self, client: Client) -> Verdict {
        let program = match client.install() {
            Ok(program) => program,
            Err(error) => return Verdict::Untested(error),
        };
        match self.run(client, &program) {
            Ok(version) => Verdict::Passed(version),
            Err(error) => Verdict::Failed(error),
        }
    }

    fn run(&mut self, client: Client, program: &Program) -> anyhow::Result<String> {
        let version = self.pays(program)?;
        let shows = client.shows_reason();
        // Who keeps the reason from its user shows the status, as far as that tells anything.
        let by_status = match shows {
            ShowsReason::Always => self.reason.as_str(),
            ShowsReason::As200 | ShowsReason::Never => "502",
        };
        let as_200 = match shows {
            ShowsReason::Always | ShowsReason::As200 => self.reason.as_str(),
            ShowsReason::Never => "",
        };
        let stage = self.stage;
        shows_an_error(program, stage, &stage.unpayable, by_status)?;
        shows_an_error(program, stage, &stage.unpayable_as_200, as_200)?;
        Ok(version)
    }

    /// It gets an invoice, of its own, from the node that its comment leads to.
    fn pays(&mut self, program: &Program) -> anyhow::Result<String> {
        let lnurl = &self.stage.payable.lnurl;
        let answer = program.pay(self.stage, lnurl, SATOSHI, COMMENT)?;
        let invoice = answer
            .invoice
            .with_context(|| format!("it got no invoice: {:?}", answer.error))?;
        let good = self.check(&invoice)?;
        ensure!(
            good.payee == self.payee,
            "its comment did not arrive as written: it led to another node"
        );
        Ok(answer.version)
    }

    /// An invoice must be good, nobody else's, and one that the server knows of.
    fn check(&mut self, invoice: &str) -> anyhow::Result<Good> {
        let metadata = &self.stage.payable.metadata;
        let good = invoice::check(invoice, SATOSHI * 1000, metadata)?;
        ensure!(
            self.seen.insert(good.payment.clone()),
            "the invoice was given out before"
        );
        ensure!(
            self.stage.logged(&good.payment)?,
            "the server has not logged the invoice {}",
            good.payment
        );
        Ok(good)
    }

    /// Asks for an invoice as plainly as HTTP can be asked.
    fn ask(&self, offer: &Offer) -> anyhow::Result<serde_json::Value> {
        let amount = (SATOSHI * 1000).to_string();
        let query = [("amount", amount.as_str()), ("comment", COMMENT)];
        self.stage.get(&offer.callback, &query)
    }
}

/// It gives no invoice where there is none, and shows an error with these words.
fn shows_an_error(
    program: &Program,
    stage: &Stage,
    offer: &Offer,
    words: &str,
) -> anyhow::Result<()> {
    let answer = program.pay(stage, &offer.lnurl, SATOSHI, COMMENT)?;
    let shown = answer
        .error
        .context("it got an invoice that nobody can have made")?;
    ensure!(
        shown.contains(words),
        "it shows {shown:?} instead of {words:?}"
    );
    Ok(())
}
