use std::net::IpAddr;

use switchgear_core::store::StoreError;
use tokio_postgres::Config;

use super::{
    database::no_value,
    url::{UrlOptions, invalid},
};

/// Where a Unix socket is when the URL does not say.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One of the servers that the database may be on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// A name, an address, or the folder of a Unix socket.
    name: String,
    /// Where the name's address is known.
    address: Option<IpAddr>,
    port: u16,
}

impl Host {
    /// As in libpq, what begins with `/` is a socket's folder.
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.name.starts_with('/')
    }

    /// Tells the driver where the host is.
    pub(super) fn describe(&self, config: &mut Config) {
        config.host(&self.name).port(self.port);
        if let Some(address) = self.address {
            config.hostaddr(address);
        }
    }

    /// The hosts that `host`, `hostaddr` and `port` name, by their places in the three lists.
    pub(super) fn all_from_options(options: &mut UrlOptions) -> Result<Vec<Self>, StoreError> {
        let list = |text: Option<String>| -> Vec<String> {
            text.map_or_else(Vec::new, |text| {
                text.split(',').map(str::to_owned).collect()
            })
        };
        let names = list(options.take("host"));
        let addresses = list(options.take("hostaddr"));
        let ports = list(options.take("port"));
        let count = names.len().max(addresses.len());
        let agree = |length: usize| length == count || length == 0;
        if !agree(names.len())
            || !agree(addresses.len())
            || !(agree(ports.len()) || ports.len() == 1)
        {
            return Err(invalid(
                "the database URL has not as many ports or hostaddrs as hosts",
            ));
        }
        let mut hosts = Vec::new();
        for place in 0..count.max(1) {
            let port = port(ports.get(place).or(ports.first()))?;
            let name = names.get(place).map_or("", String::as_str);
            let address = addresses.get(place).map_or("", String::as_str);
            add_host(&mut hosts, name, address, port)?;
        }
        Ok(hosts)
    }
}

fn add_host(hosts: &mut Vec<Host>, name: &str, address: &str, port: u16) -> Result<(), StoreError> {
    let host = |name: &str, address| Host {
        name: name.to_owned(),
        address,
        port,
    };
    match (name, address) {
        ("", "") => hosts.extend(SOCKET_FOLDERS.map(|folder| host(folder, None))),
        (name, "") => hosts.push(host(name, None)),
        (name, address) => {
            let parsed = address
                .parse()
                .map_err(|_| no_value("hostaddr", "an IP address"))?;
            let name = if name.is_empty() { address } else { name };
            hosts.push(host(name, Some(parsed)));
        }
    }
    Ok(())
}

fn port(text: Option<&String>) -> Result<u16, StoreError> {
    match text.map_or("", String::as_str) {
        "" => Ok(5432),
        text => match text.parse() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(no_value("port", "a number from 1 to 65535")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Vec<Host> {
        Host::all_from_options(&mut UrlOptions::try_from_url(url).unwrap()).unwrap()
    }

    fn hosts(url: &str) -> Vec<(String, Option<String>, u16)> {
        let plain = |host: &Host| {
            let address = host.address.map(|address| address.to_string());
            (host.name.clone(), address, host.port)
        };
        read(url).iter().map(plain).collect()
    }

    #[test]
    fn knows_where_the_servers_are() {
        let host = |name: &str, address: Option<&str>, port| {
            (name.to_owned(), address.map(str::to_owned), port)
        };
        for (url, expected) in [
            ("postgres://db/x", vec![host("db", None, 5432)]),
            (
                "postgres://a:1,b,[::1]:3/x",
                vec![
                    host("a", None, 1),
                    host("b", None, 5432),
                    host("::1", None, 3),
                ],
            ),
            (
                "postgres:///x?host=a,b&port=7",
                vec![host("a", None, 7), host("b", None, 7)],
            ),
            (
                "postgres://db/x?hostaddr=127.0.0.1",
                vec![host("db", Some("127.0.0.1"), 5432)],
            ),
            (
                "postgres:///x?hostaddr=::1",
                vec![host("::1", Some("::1"), 5432)],
            ),
            ("postgres://%2Frun%2Fpg:6/x", vec![host("/run/pg", None, 6)]),
            (
                "postgres:///x",
                vec![
                    host("/var/run/postgresql", None, 5432),
                    host("/tmp", None, 5432),
                ],
            ),
        ] {
            assert_eq!(hosts(url), expected, "{url}");
        }
        assert!(read("postgres://%2Frun/x")[0].is_socket());
        assert!(!read("postgres://run/x")[0].is_socket());
    }
}
