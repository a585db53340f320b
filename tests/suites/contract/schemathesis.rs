use std::{env, ffi::OsString, fs, process::Stdio, time::Instant};

use anyhow::{bail, ensure};
use switchgear_tests::Service;
use tokio::process::Command;

use crate::stage::Stage;

/// How many cases each operation is asked for, beside those that its schemas imply; and how many at length.
const EXAMPLES: u32 = 100;
const MANY_EXAMPLES: u32 = 2_000;

/// Where its configuration and its hooks lie.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contract");

/// The program that makes requests of a document, and judges the answers by it.
pub(crate) struct Schemathesis {
    program: OsString,
    is_long: bool,
}

impl Schemathesis {
    /// Where nobody has installed it, that is said; under `CI=true` it is an error.
    pub(crate) fn find_or_skip() -> anyhow::Result<Option<Self>> {
        let is = |variable| env::var(variable).is_ok_and(|value| value == "true");
        let Some(program) = env::var_os("SCHEMATHESIS") else {
            if is("CI") {
                bail!("SCHEMATHESIS names no program: `tests/run contract` installs it");
            }
            say("UNTESTED: the documents of the services: SCHEMATHESIS names no program");
            return Ok(None);
        };
        Ok(Some(Self {
            program,
            is_long: is("SWITCHGEAR_LONG"),
        }))
    }

    pub(crate) fn is_long(&self) -> bool {
        self.is_long
    }

    /// Asks a service everything that its document says, and much that it does not.
    pub(crate) async fn ask(&self, stage: &Stage, service: Service) -> anyhow::Result<()> {
        let examples = if self.is_long {
            MANY_EXAMPLES
        } else {
            EXAMPLES
        };
        let url = stage.swgr.url(service);
        let mut command = Command::new(&self.program);
        command
            .args(["--config-file", &format!("{HOME}/schemathesis.toml")])
            .args(["run", "--no-color", "--url", url])
            .args(["--max-examples", &examples.to_string()])
            .env("PYTHONPATH", HOME)
            // What it writes goes with the server.
            .current_dir(stage.swgr.folder())
            .env("CONTRACT_OFFERS", stage.offers.join(","))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if service != Service::Lnurl {
            let token = fs::read_to_string(stage.swgr.token(service))?;
            let header = format!("Authorization: Bearer {token}");
            command
                .args(["--header", &header])
                .env("CONTRACT_TOKEN", token);
        }
        let started = Instant::now();
        let output = command.arg(format!("{url}/openapi.json")).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}\n{complaint}");
        let cases = said.lines().find(|line| line.contains(" generated, "));
        let cases = cases.unwrap_or_default().trim();
        say(&format!(
            "{service:?}: {cases} in {:.0?}",
            started.elapsed()
        ));
        Ok(())
    }
}

#[expect(
    clippy::print_stdout,
    reason = "what was asked, and what was not, is there to be read"
)]
fn say(line: &str) {
    println!("{line}");
}
