//! A network whose packets can be lost.
//!
//! The test runs again in namespaces of its own, where it may do as it likes: the server's side, and
//! another for the nodes, joined by a cable. An address taken from the nodes' side is a black hole: what
//! is sent there arrives, nobody takes it, and nobody says so; the kernel counts it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd as _,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::row::say;

/// Set where a test runs again.
const INSIDE: &str = "SWITCHGEAR_INSIDE_NAMESPACE";

/// The server's end of the cable, and the nodes'.
const CABLE: [&str; 2] = ["swgr0", "swgr1"];

/// The nodes' end, so that nobody has to ask for it: that would need answers.
const HARDWARE: &str = "02:00:00:00:00:01";

/// Where a test that needs such a network stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In namespaces of its own: go on.
    Inside,
    /// It has run there, and passed; or this machine has none, which was said.
    Done,
}

/// Runs the test called `test`, by its whole path, again in namespaces of its own, unless it is there.
///
/// # Errors
/// When it fails there; or where there can be no namespaces, with `CI=true`.
pub(crate) fn enter(test: &str) -> anyhow::Result<Place> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(Place::Inside);
    }
    if let Err(missing) = needs() {
        let missing = missing.context("no packet can be lost on this machine");
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err(missing);
        }
        say(&format!("skipped: {missing:#}"));
        return Ok(Place::Done);
    }
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--"])
        .arg(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "true")
        .status()?;
    ensure!(status.success(), "it failed in its namespace");
    Ok(Place::Done)
}

/// What the machine must have.
fn needs() -> anyhow::Result<()> {
    let unshare = ["unshare", "--map-root-user", "--net", "true"];
    for (command, why) in [
        (
            unshare.as_slice(),
            "no namespaces (util-linux, and leave to use them)",
        ),
        (&["nsenter", "--version"], "no nsenter (util-linux)"),
        (&["ip", "-Version"], "no ip (iproute2)"),
    ] {
        run(command).context(why)?;
    }
    Ok(())
}

/// Where the nodes are.
#[derive(Debug)]
pub(crate) struct OtherSide {
    /// Keeps the namespace until its standard input ends, which it does with this process.
    keeper: Child,
}

impl OtherSide {
    /// Lays the cable, with so many addresses at the nodes' end.
    pub(crate) fn new(addresses: u8) -> anyhow::Result<Self> {
        ip("link set lo up")?;
        let mut keeper = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = keeper.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line == "\n", "the nodes have no namespace");
        let side = Self { keeper };
        side.lay_cable(addresses)?;
        Ok(side)
    }

    fn lay_cable(&self, addresses: u8) -> anyhow::Result<()> {
        let [near, far] = CABLE;
        let keeper = self.keeper.id();
        ip(&format!("link add {near} type veth peer name {far}"))?;
        ip(&format!("link set {far} address {HARDWARE} netns {keeper}"))?;
        ip(&format!("address add {SERVER}/24 dev {near}"))?;
        ip(&format!("link set {near} up"))?;
        self.ip("link set lo up")?;
        self.ip(&format!("link set {far} up"))?;
        for index in 0..addresses {
            let address = address(index);
            ip(&format!(
                "neighbour replace {address} lladdr {HARDWARE} dev {near} nud permanent"
            ))?;
            self.restore(index)?;
        }
        self.ip(&format!("route add {SERVER} dev {far}"))
    }

    /// From now on all packets to and from the node are lost.
    pub(crate) fn lose(&self, index: u8) -> anyhow::Result<()> {
        self.ip(&format!(
            "address delete {}/32 dev {}",
            address(index),
            CABLE[1]
        ))
    }

    /// Packets arrive again.
    pub(crate) fn restore(&self, index: u8) -> anyhow::Result<()> {
        self.ip(&format!(
            "address add {}/32 dev {}",
            address(index),
            CABLE[1]
        ))
    }

    /// How many packets were lost so far: those that came for an address that nobody has.
    pub(crate) fn packets_lost(&self) -> anyhow::Result<u64> {
        let counters = fs::read_to_string(format!("/proc/{}/net/snmp", self.keeper.id()))?;
        let mut lines = counters.lines().filter(|line| line.starts_with("Ip:"));
        let (names, values) = lines.next().zip(lines.next()).context("no counters")?;
        let mut pairs = names.split_whitespace().zip(values.split_whitespace());
        let (_, lost) = pairs
            .find(|(name, _)| *name == "InAddrErrors")
            .context("no counter of lost packets")?;
        Ok(lost.parse()?)
    }

    /// What brings the thread that calls it to the nodes' side.
    pub(crate) fn entrance(&self) -> anyhow::Result<impl Fn() + Send + Sync + 'static> {
        let namespace = File::open(format!("/proc/{}/ns/net", self.keeper.id()))?;
        let kind = Some(LinkNameSpaceType::Network);
        Ok(move || {
            move_into_link_name_space(namespace.as_fd(), kind)
                .expect("who made a namespace may enter it");
        })
    }

    fn ip(&self, arguments: &str) -> anyhow::Result<()> {
        let target = format!("--target={}", self.keeper.id());
        let mut words = vec!["nsenter", &target, "--net", "ip"];
        words.extend(arguments.split(' '));
        run(&words)
    }
}

impl Drop for OtherSide {
    fn drop(&mut self) {
        // Its namespace, and the cable with it, goes when its last process does.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);

const fn address(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, index + 1)
}

/// Where a node listens, on a port of the kernel's choice.
pub(crate) fn listen_address(index: u8) -> SocketAddr {
    (address(index), 0).into()
}

/// How many connections to the node this side takes for established.
pub(crate) fn connections_to(index: u8) -> anyhow::Result<usize> {
    const ESTABLISHED: &str = "01";

    // The kernel prints the four bytes as one number of this machine's byte order.
    let remote = format!("{:08X}:", u32::from_ne_bytes(address(index).octets()));
    let table = fs::read_to_string("/proc/self/net/tcp")?;
    let is_open = |line: &&str| {
        let mut words = line.split_whitespace().skip(2);
        words.next().is_some_and(|word| word.starts_with(&remote))
            && words.next() == Some(ESTABLISHED)
    };
    Ok(table.lines().filter(is_open).count())
}

fn ip(arguments: &str) -> anyhow::Result<()> {
    let mut words = vec!["ip"];
    words.extend(arguments.split(' '));
    run(&words)
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    let (program, arguments) = words.split_first().context("nothing to run")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    bail!("`{}` failed: {}", words.join(" "), error.trim())
}
