//! Who asks, in a process of its own: the processor's time of the measuring one is then the server's.

use std::{
    collections::HashMap,
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
};

use switchgear_benches::invoices::Failure;

use crate::site::Site;

/// What makes this program a payer.
pub(crate) const ARGUMENT: &str = "payer";

/// A payer, which ends with this value.
#[derive(Debug)]
pub(crate) struct Payer {
    process: Child,
    commands: ChildStdin,
    reports: BufReader<ChildStdout>,
}

impl Payer {
    /// Starts this program once more, as a payer.
    pub(crate) fn start() -> Result<Self, Failure> {
        let mut process = Command::new(env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take().ok_or("the payer has no input")?;
        let reports = process.stdout.take().ok_or("the payer has no output")?;
        Ok(Self {
            process,
            commands,
            reports: BufReader::new(reports),
        })
    }

    /// Sends `requests` on each of `connections`, one after the other on each, and waits for all answers. The
    /// connections are kept for the next time.
    pub(crate) fn ask(
        &mut self,
        site: &Site,
        requests: usize,
        connections: usize,
    ) -> Result<(), Failure> {
        let Site { address, path } = site;
        writeln!(self.commands, "{address} {path} {requests} {connections}")?;
        let mut report = String::new();
        self.reports.read_line(&mut report)?;
        if report.trim() == "done" {
            return Ok(());
        }
        Err(format!("the payer got no answers: {report}").into())
    }
}

impl Drop for Payer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is a payer, until the standard input ends.
pub(crate) fn pay() -> Result<ExitCode, Failure> {
    let mut purses: HashMap<(SocketAddr, usize), Vec<Connection>> = HashMap::new();
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("a command has four words");
        let (address, path): (SocketAddr, _) = (word()?.parse()?, word()?);
        let (requests, connections): (usize, usize) = (word()?.parse()?, word()?.parse()?);
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        let purse = purses.entry((address, connections)).or_default();
        while purse.len() < connections {
            purse.push(Connection::open(address)?);
        }
        for _ in 0..requests {
            for connection in &mut *purse {
                connection.send(&request)?;
            }
            // The last answer first: who waits for each of them is woken by each, the slower side's more often.
            for connection in purse.iter_mut().rev() {
                connection.receive()?;
            }
        }
        writeln!(io::stdout(), "done")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A connection that is kept open, and reads no more of HTTP than these servers write.
#[derive(Debug)]
struct Connection {
    answers: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            answers: BufReader::new(stream),
            line: String::new(),
            body: Vec::new(),
        })
    }

    fn send(&mut self, request: &str) -> io::Result<()> {
        self.answers.get_mut().write_all(request.as_bytes())
    }

    /// Reads an answer that is good, and whose length is given.
    fn receive(&mut self) -> Result<(), Failure> {
        if !self.read_line()?.starts_with("HTTP/1.1 200 ") {
            return Err(self.line.clone().into());
        }
        let mut length = 0;
        while !self.read_line()?.trim().is_empty() {
            if let Some((name, value)) = self.line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.answers.read_exact(&mut self.body)?;
        Ok(())
    }

    fn read_line(&mut self) -> io::Result<&str> {
        self.line.clear();
        self.answers.read_line(&mut self.line)?;
        Ok(&self.line)
    }
}
