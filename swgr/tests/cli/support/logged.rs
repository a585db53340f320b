use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use super::{Folder, PATIENCE};

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(2);

/// `swgr service` whose log goes to a file, so that it may write as much as it likes. Dropping it
/// kills it.
pub(crate) struct Logged {
    child: Child,
    log: PathBuf,
}

impl Logged {
    pub(crate) fn start(folder: &Folder, arguments: &str, log: &str) -> Self {
        let log = folder.path(log);
        let file = File::create(&log).unwrap();
        let child = folder
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The base URL that a service says it listens on.
    pub(crate) fn url(&self, name: &str) -> String {
        let words = format!("the {name} service listens on ");
        let begin = Instant::now();
        loop {
            let text = self.text();
            // A line that is half written has no end yet.
            if let Some((_, rest)) = text.split_once(&words)
                && let Some((url, _)) = rest.split_once('\n')
            {
                return url.to_owned();
            }
            assert!(begin.elapsed() < PATIENCE, "no `{words}`:\n{text}");
            std::thread::sleep(PERIOD);
        }
    }

    /// How many lines have these words.
    pub(crate) fn count(&self, words: &str) -> usize {
        let text = self.text();
        text.lines().filter(|line| line.contains(words)).count()
    }

    /// Waits until it has logged nothing for a while.
    pub(crate) fn wait_until_quiet(&self) {
        let begin = Instant::now();
        let (mut length, mut since) = (0, Instant::now());
        while since.elapsed() < Duration::from_millis(300) {
            assert!(begin.elapsed() < PATIENCE, "it goes on logging");
            let now = fs::metadata(&self.log).unwrap().len();
            if now != length {
                (length, since) = (now, Instant::now());
            }
            std::thread::sleep(PERIOD);
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
