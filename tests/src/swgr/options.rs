//! How the server is set up.

use super::{Service, SwgrOptions};

impl Default for SwgrOptions {
    fn default() -> Self {
        Self {
            has_tls: false,
            hosts: vec!["127.0.0.1".to_owned()],
            lines: Default::default(),
            stores: ["discover", "offer"].map(|_| database("sqlite://swgr.db?mode=rwc")),
            variables: Vec::new(),
        }
    }
}

impl SwgrOptions {
    /// As plain as [`Swgr::start`](super::Swgr::start) has it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With TLS on every listener, by a certificate for `127.0.0.1` and `localhost`.
    #[must_use]
    pub fn with_tls(mut self) -> Self {
        self.has_tls = true;
        self
    }

    /// With more lines in the section of a service, such as `hedge-after-secs: 0.05`.
    #[must_use]
    pub fn with_lines(mut self, service: Service, lines: &[&str]) -> Self {
        let of_service = &mut self.lines[service as usize];
        of_service.extend(lines.iter().map(|line| (*line).to_owned()));
        self
    }

    /// With these `allowed-hosts` instead of `127.0.0.1`; none leaves the key out.
    #[must_use]
    pub fn with_hosts(mut self, hosts: &[&str]) -> Self {
        self.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        self
    }

    /// With its records in the database of this URL instead of an SQLite of its own.
    #[must_use]
    pub fn with_database(self, url: &str) -> Self {
        self.with_stores(&database(url), &database(url))
    }

    /// With these stores, each in YAML's flow style, such as `{ type: memory }`.
    #[must_use]
    pub fn with_stores(mut self, discover: &str, offer: &str) -> Self {
        self.stores = [discover.to_owned(), offer.to_owned()];
        self
    }

    /// With a variable in its environment, such as `RUST_LOG`.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The configuration file.
    pub(super) fn yaml(&self) -> String {
        let mut yaml: String = Service::ALL
            .into_iter()
            .map(|service| self.section(service))
            .collect();
        let [discover, offer] = &self.stores;
        yaml.push_str(&format!(
            "store:\n  discover: {discover}\n  offer: {offer}\n"
        ));
        yaml
    }

    fn section(&self, service: Service) -> String {
        let name = service.name();
        let mut section = format!("{name}-service:\n  address: \"127.0.0.1:0\"\n");
        match service {
            Service::Lnurl if self.hosts.is_empty() => {}
            Service::Lnurl => section.push_str(&format!("  allowed-hosts: {:?}\n", self.hosts)),
            _ => section.push_str(&format!("  auth-authority: \"{name}-public.pem\"\n")),
        }
        if self.has_tls {
            section.push_str("  tls: { cert-path: server.pem, key-path: server-key.pem }\n");
        }
        for line in &self.lines[service as usize] {
            section.push_str(&format!("  {line}\n"));
        }
        section
    }
}

fn database(url: &str) -> String {
    format!("{{ type: database, database-url: {url:?} }}")
}
