use std::{collections::BTreeSet, fs};

use anyhow::Context as _;
use switchgear_tests::{Service, Swgr};

/// What a server holds, but for the connections of who asks it: how long those stay is their own doing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    pub(crate) resident_kib: usize,
}

impl Footprint {
    pub(crate) fn of(server: &Swgr) -> anyhow::Result<Self> {
        let process = server.id();
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("the kernel tells no VmRSS")?;
        Ok(Self {
            descriptors: descriptors(process, &askers(server)?)?,
            resident_kib: resident.trim().trim_end_matches(" kB").parse()?,
        })
    }
}

/// How many descriptors a process has, without those in `sockets`.
fn descriptors(process: u32, sockets: &BTreeSet<String>) -> anyhow::Result<usize> {
    let mut count = 0;
    for descriptor in fs::read_dir(format!("/proc/{process}/fd"))? {
        // One that is closed by now is none.
        if let Ok(target) = fs::read_link(descriptor?.path()) {
            count += usize::from(!sockets.contains(&*target.to_string_lossy()));
        }
    }
    Ok(count)
}

/// The sockets of connections that a server's services have accepted, as links to them read.
fn askers(server: &Swgr) -> anyhow::Result<BTreeSet<String>> {
    const ESTABLISHED_OR_CLOSING: [&str; 3] = ["01", "08", "09"];

    let mut ports = BTreeSet::new();
    for service in [Service::Lnurl, Service::Discovery, Service::Offer] {
        let url = server.url(service);
        let (_, port) = url.rsplit_once(':').context("a URL without a port")?;
        ports.insert(format!("{:04X}", port.parse::<u16>()?));
    }
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", server.id()))?;
    let accepted = table.lines().filter_map(|line| {
        // Number, local address, remote address, state, five more, inode.
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.rsplit_once(':')?;
        let is_open = ESTABLISHED_OR_CLOSING.contains(fields.get(3)?);
        let inode = fields.get(9)?;
        (is_open && ports.contains(port)).then(|| format!("socket:[{inode}]"))
    });
    Ok(accepted.collect())
}
