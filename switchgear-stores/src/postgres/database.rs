use std::time::Duration;

use switchgear_core::store::StoreError;
use tokio_postgres::{
    Config,
    config::{ChannelBinding, LoadBalanceHosts, SslMode as DriverMode, TargetSessionAttrs},
};
use uuid::Uuid;

use super::{
    host::Host,
    tls::{SslMode, Tls},
    url::{UrlOptions, invalid},
};

/// How long to wait for a host, its TLS and its log-in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After which idle time the other side is asked whether it is still there, how long it may take,
/// and how often it is asked.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);

/// How long sent data may stay unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Options that PostgreSQL documents and this store does not have.
const UNSUPPORTED: &[&str] = &[
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
];

/// Which database a URL names, and how to speak to it.
pub(super) struct Database {
    hosts: Vec<Host>,
    /// Whether the hosts are tried in any order.
    shuffled: bool,
    /// All that every host has in common.
    session: Config,
    pub(super) tls: Tls,
    /// How long to wait for each host.
    pub(super) connect_timeout: Duration,
}

impl Database {
    pub(super) fn try_from_url(url: &str) -> Result<Self, StoreError> {
        let mut options = UrlOptions::try_from_url(url)?;
        let hosts = Host::all_from_options(&mut options)?;
        let tls = Tls::try_from_options(&mut options)?;
        let shuffled = match options.take("load_balance_hosts").as_deref() {
            None | Some("disable") => false,
            Some("random") => true,
            Some(_) => return Err(no_value("load_balance_hosts", "disable or random")),
        };
        let connect_timeout = seconds(&mut options, "connect_timeout")?.unwrap_or(CONNECT_TIMEOUT);
        let mut session = session(&mut options)?;
        keepalive(&mut options, &mut session)?;
        if shuffled {
            session.load_balance_hosts(LoadBalanceHosts::Random);
        }
        refuse_others(&options)?;
        Ok(Self {
            hosts,
            shuffled,
            session,
            tls,
            connect_timeout,
        })
    }

    /// The hosts in the order in which to try them.
    pub(super) fn hosts(&self) -> Vec<&Host> {
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        if self.shuffled {
            hosts.sort_by_cached_key(|_| Uuid::new_v4());
        }
        hosts
    }

    /// How long to wait where nobody waits behind it: as long as each host may take.
    pub(super) fn connect_timeout_of_all(&self) -> Duration {
        let hosts = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        self.connect_timeout.saturating_mul(hosts)
    }

    /// Whether a connection may need the files of TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.tls.mode != SslMode::Disable && !self.hosts.iter().all(Host::is_socket)
    }

    /// The modes of TLS to try one after the other. As in libpq, a socket has none.
    pub(super) fn attempts(&self, host: &Host) -> &'static [DriverMode] {
        if host.is_socket() {
            SslMode::Disable.attempts()
        } else {
            self.tls.mode.attempts()
        }
    }

    /// What the driver needs to know to reach `host`.
    pub(super) fn config(&self, host: &Host) -> Config {
        let mut config = self.session.clone();
        host.describe(&mut config);
        config
    }
}

fn session(options: &mut UrlOptions) -> Result<Config, StoreError> {
    let mut config = Config::new();
    if let Some(user) = options.take("user") {
        config.user(user);
    }
    if let Some(password) = options.take("password") {
        config.password(password);
    }
    if let Some(database) = options.take("dbname") {
        config.dbname(database);
    }
    if let Some(settings) = options.take("options") {
        config.options(settings);
    }
    let fallback = options.take("fallback_application_name");
    let name = options.take("application_name").or(fallback);
    config.application_name(name.as_deref().unwrap_or("switchgear"));
    config.target_session_attrs(match options.take("target_session_attrs").as_deref() {
        None | Some("any") => TargetSessionAttrs::Any,
        Some("read-write") => TargetSessionAttrs::ReadWrite,
        Some("read-only") => TargetSessionAttrs::ReadOnly,
        Some(_) => {
            return Err(no_value(
                "target_session_attrs",
                "any, read-write or read-only",
            ));
        }
    });
    config.channel_binding(match options.take("channel_binding").as_deref() {
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("disable") => ChannelBinding::Disable,
        Some("require") => ChannelBinding::Require,
        Some(_) => return Err(no_value("channel_binding", "disable, prefer or require")),
    });
    accept_what_holds_anyway(options)?;
    Ok(config)
}

fn accept_what_holds_anyway(options: &mut UrlOptions) -> Result<(), StoreError> {
    let encoding = options.take("client_encoding").unwrap_or_default();
    if !["", "auto", "utf8", "utf-8", "unicode"].contains(&encoding.to_lowercase().as_str()) {
        return Err(no_value("client_encoding", "UTF8"));
    }
    match options.take("gssencmode").as_deref() {
        None | Some("disable" | "prefer") => Ok(()),
        Some(_) => Err(no_value("gssencmode", "disable or prefer")),
    }
}

/// Without them, a peer that vanished would be noticed by nobody but the timeouts above.
fn keepalive(options: &mut UrlOptions, config: &mut Config) -> Result<(), StoreError> {
    let (idle, interval, count) = KEEPALIVE;
    let kept_alive = number(options, "keepalives")?.is_none_or(|flag| flag != 0);
    let idle = seconds(options, "keepalives_idle")?.unwrap_or(idle);
    let interval = seconds(options, "keepalives_interval")?.unwrap_or(interval);
    let count = number(options, "keepalives_count")?
        .filter(|count| *count > 0)
        .unwrap_or(count);
    let unacknowledged = number(options, "tcp_user_timeout")?
        .filter(|millis| *millis > 0)
        .map_or(TCP_USER_TIMEOUT, |millis| {
            Duration::from_millis(millis.into())
        });
    config
        .keepalives(kept_alive)
        .keepalives_idle(idle)
        .keepalives_interval(interval)
        .keepalives_retries(count)
        .tcp_user_timeout(unacknowledged);
    Ok(())
}

fn refuse_others(options: &UrlOptions) -> Result<(), StoreError> {
    let Some(name) = options.left().next() else {
        return Ok(());
    };
    // A name of other letters may be a part of a password that was not encoded.
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
    {
        return Err(invalid(
            "the database URL has an unknown option: write %26 and %3F for & and ? in a password",
        ));
    }
    let why = if UNSUPPORTED.contains(&name) {
        "is not supported"
    } else {
        "is unknown"
    };
    Err(invalid(format!("the database URL's option {name} {why}")))
}

/// Seconds that are not positive count as not given, as in libpq.
fn seconds(options: &mut UrlOptions, name: &str) -> Result<Option<Duration>, StoreError> {
    let number = number(options, name)?.filter(|number| *number > 0);
    Ok(number.map(|number| Duration::from_secs(number.into())))
}

fn number(options: &mut UrlOptions, name: &str) -> Result<Option<u32>, StoreError> {
    let Some(text) = options.take(name) else {
        return Ok(None);
    };
    let number: i32 = text.parse().map_err(|_| no_value(name, "a whole number"))?;
    Ok(Some(u32::try_from(number).unwrap_or(0)))
}

pub(super) fn no_value(name: &str, allowed: &str) -> StoreError {
    invalid(format!(
        "the database URL's option {name} must be {allowed}"
    ))
}

#[cfg(test)]
mod tests {
    use switchgear_core::store::StoreErrorKind;
    use tokio_postgres::config::Host as DriverHost;

    use super::*;

    fn database(url: &str) -> Database {
        Database::try_from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn hands_the_drivers_options_on() {
        let url = "postgresql://alice:p%40ss@db:5433/shop?options=-c%20a%3Db&application_name=me\
                   &connect_timeout=3&keepalives=0&keepalives_idle=4&keepalives_interval=5\
                   &keepalives_count=6&tcp_user_timeout=7000&target_session_attrs=read-write\
                   &channel_binding=require&load_balance_hosts=random&client_encoding=UTF8\
                   &gssencmode=prefer";
        let database = database(url);
        let config = database.config(&database.hosts[0]);
        assert_eq!(config.get_user(), Some("alice"));
        assert_eq!(config.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(config.get_hosts(), [DriverHost::Tcp("db".to_owned())]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_dbname(), Some("shop"));
        assert_eq!(config.get_options(), Some("-c a=b"));
        assert_eq!(config.get_application_name(), Some("me"));
        assert_eq!(database.connect_timeout, Duration::from_secs(3));
        assert!(!config.get_keepalives());
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(4));
        assert_eq!(
            config.get_keepalives_interval(),
            Some(Duration::from_secs(5))
        );
        assert_eq!(config.get_keepalives_retries(), Some(6));
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(7)));
        assert_eq!(
            config.get_target_session_attrs(),
            TargetSessionAttrs::ReadWrite
        );
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(config.get_load_balance_hosts(), LoadBalanceHosts::Random);
    }

    #[test]
    fn has_timeouts_of_its_own_and_for_zero() {
        for options in [
            "",
            "?connect_timeout=0&tcp_user_timeout=-1&keepalives_idle=0",
        ] {
            let database = database(&format!("postgres://db/x{options}"));
            let config = database.config(&database.hosts[0]);
            assert_eq!(database.connect_timeout, CONNECT_TIMEOUT);
            assert_eq!(config.get_tcp_user_timeout(), Some(&TCP_USER_TIMEOUT));
            assert!(config.get_keepalives());
            assert_eq!(config.get_keepalives_idle(), KEEPALIVE.0);
        }
    }

    #[test]
    fn names_the_option_that_is_wrong_and_no_value() {
        for (options, part) in [
            ("colour=hunter2", "option colour is unknown"),
            ("SSLMODE=disable", "unknown option"),
            ("service=hunter2", "option service is not supported"),
            ("sslmode=hunter2", "sslmode must be disable, allow, prefer"),
            ("port=hunter2", "port must be a number"),
            ("port=0", "port must be a number"),
            ("port=65536", "port must be a number"),
            ("hostaddr=hunter2", "hostaddr must be an IP address"),
            ("hostaddr=::1,::2", "as many ports or hostaddrs"),
            ("port=1,2", "as many ports or hostaddrs"),
            ("connect_timeout=hunter2", "connect_timeout must be a whole"),
            ("keepalives=yes", "keepalives must be a whole"),
            ("target_session_attrs=hunter2", "target_session_attrs must"),
            ("channel_binding=hunter2", "channel_binding must"),
            ("load_balance_hosts=hunter2", "load_balance_hosts must"),
            ("client_encoding=hunter2", "client_encoding must be UTF8"),
            ("gssencmode=require", "gssencmode must"),
        ] {
            let url = format!("postgres://alice:hunter2@db/x?{options}");
            let error = Database::try_from_url(&url).err().unwrap();
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
            let message = error.to_string();
            assert!(message.contains(part), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{url}: {message}");
        }
    }
}
