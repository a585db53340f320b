use super::{HostError, HostPort, Scheme};

/// The names that a service goes by: never empty, and so never "any".
///
/// ```
/// use switchgear_http::host::{AllowedHosts, Scheme};
///
/// let hosts = AllowedHosts::try_new(["lnurl.example.com", "[::1]:3000", " "]).unwrap();
/// assert!(hosts.check(&"LNURL.example.com:8443".parse().unwrap(), Scheme::Https).is_ok());
/// assert!(hosts.check(&"[::1]:3001".parse().unwrap(), Scheme::Https).is_err());
/// assert!(AllowedHosts::try_new([""]).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<HostPort>);

impl AllowedHosts {
    /// Reads entries of the form `host` (any port) or `host:port`. Blank ones do not count.
    ///
    /// # Errors
    /// When an entry is no host, or none is left.
    pub fn try_new<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, AllowedHostsError> {
        let hosts = entries
            .into_iter()
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                entry
                    .parse()
                    .map_err(|_| AllowedHostsError::Entry(entry.to_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            return Err(AllowedHostsError::Empty);
        }
        Ok(Self(hosts))
    }

    /// Checks a request's host; a port that it leaves out is the scheme's own.
    ///
    /// # Errors
    /// [`HostError::NotAllowed`] when no entry covers it.
    pub fn check(&self, asked: &HostPort, scheme: Scheme) -> Result<(), HostError> {
        let port = asked.port().unwrap_or(scheme.default_port());
        let covers = |entry: &HostPort| {
            entry.host() == asked.host() && entry.port().is_none_or(|allowed| allowed == port)
        };
        if self.0.iter().any(covers) {
            Ok(())
        } else {
            Err(HostError::NotAllowed)
        }
    }
}

/// Why a list of allowed hosts is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowedHostsError {
    /// An entry is neither `host` nor `host:port`.
    #[error("{0:?} is no host: write a name such as lnurl.example.com, or name:port")]
    Entry(String),
    /// No entry is left.
    #[error("the list names no host, and an empty list would serve nobody: name at least one")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_a_port_covers_that_port_alone() {
        let hosts = AllowedHosts::try_new(["a.example:443", "b.example"]).unwrap();
        let check = |host: &str, scheme| hosts.check(&host.parse().unwrap(), scheme);
        assert_eq!(check("a.example", Scheme::Https), Ok(()));
        assert_eq!(check("A.EXAMPLE:443", Scheme::Http), Ok(()));
        assert_eq!(check("a.example", Scheme::Http), Err(HostError::NotAllowed));
        assert_eq!(check("b.example:9", Scheme::Http), Ok(()));
        assert_eq!(check("c.example", Scheme::Http), Err(HostError::NotAllowed));
    }

    #[test]
    fn refuses_a_list_without_hosts_and_an_entry_that_is_none() {
        assert_eq!(AllowedHosts::try_new([]), Err(AllowedHostsError::Empty));
        assert_eq!(
            AllowedHosts::try_new(["", " \t"]),
            Err(AllowedHostsError::Empty)
        );
        for entry in ["https://a.example", "*", "a.example/", "::1"] {
            assert_eq!(
                AllowedHosts::try_new(["a.example", entry]),
                Err(AllowedHostsError::Entry(entry.to_owned()))
            );
        }
    }
}
