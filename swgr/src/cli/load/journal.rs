use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use twox_hash::XxHash3_64;

use crate::Failure;

/// What a load has done so far, in a file beside its input, so that the next one goes on there.
///
/// The first line names the service; each of the others is the number of a line of the input and the
/// hash of its content, appended once the service has acknowledged it. So a load may be killed at any
/// moment, and of an input that was edited meanwhile only what changed is sent. Only acknowledged
/// lines are in it: those that were refused are tried again. A power cut may lose its end, and then
/// records are sent twice, which changes nothing.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// What loads before this one have done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Of each line of the input, the hash of its content and when it was acknowledged.
    lines: Vec<(u64, u64)>,
    /// How many acknowledgements there were.
    moments: u64,
}

/// How every journal begins.
const MARK: &str = "swgr offer load ";

impl Journal {
    /// The journal's place unless the command line names another.
    pub(super) fn beside(input: &Path) -> PathBuf {
        let mut name = OsString::from(input);
        name.push(".progress");
        PathBuf::from(name)
    }

    /// Opens the journal, for this process alone, and reads what it holds, of an input of so many
    /// bytes.
    ///
    /// # Errors
    /// When it cannot be written, another load has it open, it belongs to a load into another
    /// service, or the file is no journal at all, which is left as it is.
    pub(super) fn open(
        path: PathBuf,
        service: &str,
        length: u64,
        restart: bool,
    ) -> Result<(Self, Done), Failure> {
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create(true);
        let file = options.open(&path).with_context(|| {
            let path = path.display();
            format!("writing {path}, which notes what is done: give another place by --journal")
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(Failure::message(format!("another load is writing {path}")));
            }
            // A file system without locks: then nobody watches over it.
            Err(TryLockError::Error(_)) => {}
        }
        let mut journal = Self {
            path: path.clone(),
            file,
        };
        let reading = || format!("reading {}", path.display());
        if !journal.is_ours().with_context(reading)? {
            return Err(journal.no_journal());
        }
        let done = match restart {
            true => Ok(None),
            false => journal.read(service, length),
        };
        let done = match done.with_context(reading)? {
            Some(done) => done?,
            None => {
                journal.begin(service).with_context(|| journal.writing())?;
                Done::default()
            }
        };
        Ok((journal, done))
    }

    /// Notes that the service has acknowledged a line.
    pub(super) fn acknowledged(&mut self, number: usize, hash: u64) -> Result<(), Failure> {
        let written = self
            .file
            .write_all(format!("{number} {hash:016x}\n").as_bytes());
        Ok(written.with_context(|| self.writing())?)
    }

    /// Nothing is left to do.
    pub(super) fn remove(self) -> Result<(), Failure> {
        let removed = std::fs::remove_file(&self.path);
        Ok(removed.with_context(|| format!("removing {}", self.path.display()))?)
    }

    fn writing(&self) -> String {
        format!("writing {}", self.path.display())
    }

    fn begin(&mut self, service: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        writeln!(self.file, "{}", header(service))
    }

    /// Whether it is empty, or begins as journals do, perhaps of a load that was killed while it began.
    /// Nothing else may be replaced: it is somebody's file.
    fn is_ours(&mut self) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut begin = Vec::new();
        let limit = MARK.len() as u64;
        (&self.file).take(limit).read_to_end(&mut begin)?;
        Ok(MARK.as_bytes().starts_with(&begin))
    }

    /// `None` for a journal that is new, or was killed while it began.
    fn read(&mut self, service: &str, length: u64) -> io::Result<Option<Result<Done, Failure>>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut input = BufReader::new(&self.file);
        let mut line = Vec::new();
        let mut whole = input.read_until(b'\n', &mut line)? as u64;
        let header = header(service);
        let is_torn = line.pop_if(|last| *last == b'\n').is_none();
        if is_torn && header.as_bytes().starts_with(&line) {
            return Ok(None);
        }
        if is_torn || line != header.as_bytes() {
            return Ok(Some(Err(self.foreign())));
        }
        let mut done = Done::default();
        loop {
            line.clear();
            let read = input.read_until(b'\n', &mut line)? as u64;
            if line.pop() != Some(b'\n') {
                break;
            }
            whole += read;
            // A line takes a byte at least: no journal makes this reserve more than its input is long.
            if let Some((number, hash)) = entry(&line)
                && number as u64 <= length
            {
                done.insert(number, hash);
            }
        }
        // What a killed load left of its last line must not become a part of the next.
        self.file.set_len(whole)?;
        Ok(Some(Ok(done)))
    }

    fn no_journal(&self) -> Failure {
        Failure::message(format!(
            "{} is no journal of a load, and is left as it is: give another place by --journal",
            self.path.display()
        ))
    }

    fn foreign(&self) -> Failure {
        Failure::message(format!(
            "{} is not of a load into this service: give another place by --journal, or replace it by \
             --restart",
            self.path.display()
        ))
    }
}

impl Done {
    fn insert(&mut self, number: usize, hash: u64) {
        if self.lines.len() <= number {
            self.lines.resize(number + 1, (0, 0));
        }
        if let Some(line) = self.lines.get_mut(number) {
            self.moments += 1;
            *line = (hash, self.moments);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// When the line was last acknowledged, if that was with this content: later ones have greater
    /// numbers, the first has 1.
    pub(super) fn moment(&self, number: usize, hash: u64) -> Option<u64> {
        let (done, moment) = self.lines.get(number)?;
        (*done == hash).then_some(*moment)
    }
}

/// The hash of a line's content, by which a journal knows it; never 0.
pub(super) fn hash(content: &[u8]) -> u64 {
    XxHash3_64::oneshot(content.trim_ascii()).max(1)
}

fn header(service: &str) -> String {
    format!("{MARK}1 {service}")
}

fn entry(line: &[u8]) -> Option<(usize, u64)> {
    let (number, hash) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let hash = (hash.len() == 16).then(|| u64::from_str_radix(hash, 16).ok())??;
    Some((number.parse().ok()?, hash))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SERVICE: &str = "http://127.0.0.1:8082/";

    fn open(path: &Path) -> Result<(Journal, Done), Failure> {
        Journal::open(path.to_owned(), SERVICE, 1_000, false)
    }

    #[test]
    fn knows_what_was_acknowledged_and_forgets_a_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = Journal::beside(&folder.path().join("a.ndjson"));
        assert!(path.ends_with("a.ndjson.progress"));
        let (mut journal, done) = open(&path).unwrap();
        assert_eq!(done, Done::default());
        journal.acknowledged(1, hash(b"one")).unwrap();
        journal.acknowledged(7, hash(b"seven ")).unwrap();
        drop(journal);
        let whole = fs::read_to_string(&path).unwrap();
        let absurd = "99999999999 0000000000000001\n";
        fs::write(
            &path,
            format!("{whole}{absurd}nonsense\n8 {:016x}", hash(b"eight")),
        )
        .unwrap();

        let (mut journal, done) = open(&path).unwrap();
        assert_eq!(done.moment(1, hash(b"one")), Some(1));
        assert_eq!(done.moment(7, hash(b"seven\r")), Some(2));
        assert_eq!(done.moment(1, hash(b"two")), None);
        assert_eq!(done.moment(8, hash(b"eight")), None);
        assert_eq!(done.lines.len(), 8);
        journal.acknowledged(9, hash(b"nine")).unwrap();
        drop(journal);
        let (journal, done) = open(&path).unwrap();
        assert_eq!(done.moment(9, hash(b"nine")), Some(3));
        assert_eq!(done.moment(8, hash(b"eight")), None);
        journal.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn is_of_one_service_and_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, _) = open(&path).unwrap();
        journal.acknowledged(1, 1).unwrap();
        let second = open(&path).unwrap_err().to_string();
        assert!(second.contains("another load is writing"), "{second}");
        drop(journal);
        let other = |restart| Journal::open(path.clone(), "http://other/", 9, restart);
        let foreign = other(false).unwrap_err().to_string();
        assert!(
            foreign.contains("not of a load into this service"),
            "{foreign}"
        );
        assert_eq!(open(&path).unwrap().1.moment(1, 1), Some(1));
        assert_eq!(other(true).unwrap().1, Done::default());
        fs::write(&path, "swgr offer lo").unwrap();
        assert_eq!(open(&path).unwrap().1, Done::default());
    }

    #[test]
    fn replaces_nothing_that_is_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for text in [
            "eyJhbGciOi",
            "eyJhbGciOi\n",
            "swgr offer token",
            "\n",
            "s\n",
        ] {
            fs::write(&path, text).unwrap();
            for restart in [false, true] {
                let opened = Journal::open(path.clone(), SERVICE, 9, restart);
                let error = opened.unwrap_err().to_string();
                assert!(error.contains("is no journal"), "{text:?}: {error}");
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
        }
        // Another service's, which was killed while it began.
        fs::write(&path, "swgr offer load 1 http://oth").unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("not of a load into this service"), "{error}");
        fs::write(&path, "swgr offer load 1 http://127").unwrap();
        assert_eq!(open(&path).unwrap().1, Done::default());
    }

    #[test]
    fn says_where_else_a_journal_could_go() {
        let path = PathBuf::from("/nonexistent/a.progress");
        let error = open(&path).unwrap_err().to_string();
        assert!(
            error.contains("/nonexistent/a.progress") && error.contains("--journal"),
            "{error}"
        );
    }
}
