use std::{convert::Infallible, error::Error, num::NonZeroU8, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use switchgear_core::{
    ErrorChain,
    balance::{Adaptive, Consistent, HealthThresholds, Random, RoundRobin, Strategy},
    ln::LnBalancer,
};
use switchgear_http::{
    access_log::{AccessLogLayer, LoggedService},
    auth::{Audience, BearerLayer},
    client::{ClientLayer, TrustedProxies},
    deadline::DeadlineLayer,
    discovery::DiscoveryService,
    failure::{ErrorStyle, PanicAnswer},
    head::HeadLimitLayer,
    host::{AllowedHosts, Scheme},
    lnurl::{CallbackBase, DrainSwitch, LnurlConfig, LnurlService, QrConfig},
    offer::{OfferConfig, OfferService},
    serve::Server,
    shed::ShedLayer,
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tower::{Layer as _, Service, ServiceBuilder};

use super::{
    authority,
    listeners::Listeners,
    shutdown::Signals,
    stores::{Offers, Stores},
};
use crate::{
    Failure,
    config::{
        Config, ConfigError, DiscoverySection, Listener, LnurlSection, OfferSection, Selection,
        ServiceKind,
    },
};

/// The services while they run.
pub(super) struct Running {
    /// Each ends after its drain, with its name; one that ends before has failed.
    services: JoinSet<Result<String, Failure>>,
    /// What the services need beside them; none ends before them.
    helpers: JoinSet<()>,
    stop: watch::Sender<bool>,
    drain: Option<DrainSwitch>,
    shutdown_delay: Duration,
    shutdown_timeout: Duration,
}

impl Running {
    /// Binds, opens and starts everything that `config` asks for.
    pub(super) async fn start(config: &Config) -> Result<Self, Failure> {
        let listeners = Listeners::bind(config).await?;
        let stores = Stores::open(config).await?.cached(config);
        let (stop, _) = watch::channel(false);
        let mut running = Self {
            services: JoinSet::new(),
            helpers: JoinSet::new(),
            stop,
            drain: None,
            shutdown_delay: Duration::ZERO,
            shutdown_timeout: config.shutdown_timeout,
        };
        if let (Some(server), Some(section)) = (listeners.discovery, &config.discovery) {
            running.discovery(server, section, &stores)?;
        }
        if let (Some(server), Some(section)) = (listeners.offer, &config.offer) {
            running.offer(server, section, &stores)?;
        }
        if let (Some(server), Some(section)) = (listeners.lnurl, &config.lnurl) {
            running.lnurl(server, section, &stores)?;
        }
        Ok(running)
    }

    /// Runs until a signal, then drains; a second signal ends the drain.
    pub(super) async fn until(mut self, mut signals: Signals) -> Result<(), Failure> {
        let signal = tokio::select! {
            signal = signals.next() => signal,
            Some(ended) = self.services.join_next() => return Err(broken(ended)),
            Some(ended) = self.helpers.join_next() => {
                return Err(broken(ended.map(|()| Ok("a background task".to_owned()))));
            }
        };
        tracing::info!("{signal}: shutting down");
        tokio::select! {
            result = self.finish() => {
                tracing::info!("shut down");
                result
            }
            signal = signals.next() => Err(Failure::message(format!(
                "a second signal ({signal}): requests in flight were dropped"
            ))),
        }
    }

    /// Readiness first, then the listeners, then what is in flight. A service that fails over it does
    /// not keep the others from their drain; the first failure is the result.
    async fn finish(&mut self) -> Result<(), Failure> {
        if let Some(drain) = &self.drain {
            drain.drain();
        }
        tokio::time::sleep(self.shutdown_delay).await;
        self.stop.send_replace(true);
        let mut result = Ok(());
        while let Some(ended) = self.services.join_next().await {
            result = result.and(outcome(ended).map(drop));
        }
        self.helpers.shutdown().await;
        result
    }

    fn discovery(
        &mut self,
        server: Server,
        section: &DiscoverySection,
        stores: &Stores,
    ) -> Result<(), Failure> {
        let kind = ServiceKind::Discovery;
        let store = stores
            .discover
            .clone()
            .ok_or_else(|| without_store("discover"))?;
        let path = &section.auth_authority;
        let (authority, driver) = authority::read(path, Audience::Discovery, kind)?;
        self.helpers.spawn(driver);
        let bearer = BearerLayer::new(authority.shared(), kind.name());
        let service = bearer.layer(DiscoveryService::new(store));
        let site = Site::administrative(kind, &section.listener);
        self.serve(server, site, service);
        Ok(())
    }

    fn offer(
        &mut self,
        server: Server,
        section: &OfferSection,
        stores: &Stores,
    ) -> Result<(), Failure> {
        let kind = ServiceKind::Offer;
        let Offers {
            offers, metadata, ..
        } = stores.offer.clone().ok_or_else(|| without_store("offer"))?;
        let path = &section.auth_authority;
        let (authority, driver) = authority::read(path, Audience::Offer, kind)?;
        self.helpers.spawn(driver);
        let bearer = BearerLayer::new(authority.shared(), kind.name());
        let max_page_size = section.max_page_size;
        let service = OfferService::new(offers, metadata, OfferConfig { max_page_size });
        let site = Site::administrative(kind, &section.listener);
        self.serve(server, site, bearer.layer(service));
        Ok(())
    }

    fn lnurl(
        &mut self,
        server: Server,
        section: &LnurlSection,
        stores: &Stores,
    ) -> Result<(), Failure> {
        let feed = stores
            .discover
            .clone()
            .ok_or_else(|| without_store("discover"))?;
        let offers = stores.offer.clone().ok_or_else(|| without_store("offer"))?;
        let connector = NodeConnector::new(NodeConnectorConfig {
            timeout: section.balance.client_timeout,
        })
        .with_system_roots(section.balance.system_roots);
        let (balancer, driver) = Balancer::new(balancer(section), feed, Arc::new(connector));
        self.helpers.spawn(driver);
        let balancer: Arc<dyn LnBalancer> = Arc::new(balancer);
        let service = LnurlService::new(lnurl(section)?, offers.provider, balancer);
        self.drain = Some(service.drain_switch());
        self.shutdown_delay = section.shutdown_delay;
        let style = ErrorStyle::Lnurl {
            as_200: section.errors_as_200,
        };
        let proxies = section.trusted_proxies.clone();
        let service = ClientLayer::new(proxies.clone(), style).layer(service);
        let site = Site {
            kind: ServiceKind::Lnurl,
            style,
            listener: &section.listener,
            proxies,
        };
        self.serve(server, site, service);
        Ok(())
    }

    /// Puts the layers that all services share around `service`, and runs it.
    fn serve<S, R>(&mut self, server: Server, site: Site<'_>, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        R: Body<Data = Bytes> + Send + 'static,
        R::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Site {
            kind,
            style,
            listener,
            proxies,
        } = site;
        let logged = match kind {
            ServiceKind::Lnurl => LoggedService::Lnurl,
            ServiceKind::Discovery => LoggedService::Discovery,
            ServiceKind::Offer => LoggedService::Offer,
        };
        let limits = &listener.limits;
        let service = ServiceBuilder::new()
            .layer(AccessLogLayer::new(logged).with_trusted_proxies(proxies))
            .layer(PanicAnswer::layer(style))
            .layer(HeadLimitLayer::new(
                limits.header_bytes,
                limits.headers,
                style,
            ))
            .layer(ShedLayer::new(limits.connections, style).with_open_paths(health_checks()))
            .layer(DeadlineLayer::new(limits.request_timeout, style))
            .service(service);
        let scheme = scheme(listener).as_str();
        let name = format!("the {} service", kind.name());
        tracing::info!("{name} listens on {scheme}://{}", server.local_addr());
        let mut stop = self.stop.subscribe();
        let timeout = self.shutdown_timeout;
        self.services.spawn(async move {
            let stopped = async move {
                // An error means that nobody can stop it any more, which is as good.
                let _ = stop.wait_for(|stop| *stop).await;
            };
            match server.run(service, stopped, timeout).await {
                Ok(()) => Ok(name),
                Err(error) => Err(Failure::message(format!("{name}: {}", ErrorChain(&error)))),
            }
        });
    }
}

/// Whoever watches over a service must not take it for dead while it is only busy.
fn health_checks() -> impl Iterator<Item = String> {
    ["/health", "/health/full"].map(str::to_owned).into_iter()
}

/// Where a service stands, and how it speaks.
struct Site<'a> {
    kind: ServiceKind,
    style: ErrorStyle,
    listener: &'a Listener,
    /// Whose word on the client is believed.
    proxies: TrustedProxies,
}

impl<'a> Site<'a> {
    fn administrative(kind: ServiceKind, listener: &'a Listener) -> Self {
        Self {
            kind,
            style: ErrorStyle::Problem,
            listener,
            proxies: TrustedProxies::default(),
        }
    }
}

fn balancer(section: &LnurlSection) -> BalancerConfig {
    let balance = &section.balance;
    let (strategy, max_iterations): (Arc<dyn Strategy>, _) = match balance.selection {
        Selection::RoundRobin => (Arc::new(RoundRobin), None),
        Selection::Random => (Arc::new(Random), None),
        Selection::Consistent {
            max_iterations,
            load_factor,
        } => (Arc::new(Consistent { load_factor }), max_iterations),
        Selection::Adaptive => (Arc::new(Adaptive), None),
    };
    BalancerConfig {
        strategy,
        max_iterations,
        capacity_bias: balance.capacity_bias,
        health: HealthThresholds {
            rise: balance.rise,
            fall: balance.fall,
        },
        health_period: balance.health_period,
        health_timeout: balance.client_timeout,
        parallel_health_checks: balance.parallel_health_checks,
        discovery_period: balance.discovery_period,
        invoice_timeout: balance.invoice_timeout,
        hedge_after: balance.hedge_after,
        backoff: balance.backoff,
        deadline: balance.deadline,
        network: balance.network,
        verify_invoices: balance.verify_invoices,
        ..BalancerConfig::new(section.partitions.clone())
    }
}

fn lnurl(section: &LnurlSection) -> Result<LnurlConfig, Failure> {
    let authority = match &section.public_url {
        Some(url) => CallbackBase::Public(url.clone()),
        None => {
            let hosts = section.allowed_hosts.iter().map(String::as_str);
            let hosts = AllowedHosts::try_new(hosts).map_err(|error| ConfigError::Unusable {
                key: format!("{}.allowed-hosts", ServiceKind::Lnurl.key()),
                message: ErrorChain(&error).to_string(),
            })?;
            CallbackBase::Hosts(hosts)
        }
    };
    Ok(LnurlConfig {
        partitions: section.partitions.clone(),
        authority,
        comments: section.comment,
        invoice_expiry: section.invoice_expiry,
        scheme: scheme(&section.listener),
        qr: QrConfig {
            scale: NonZeroU8::new(section.qr.scale).unwrap_or(NonZeroU8::MIN),
            light: section.qr.light,
            dark: section.qr.dark,
        },
        errors_as_200: section.errors_as_200,
    })
}

fn scheme(listener: &Listener) -> Scheme {
    match listener.tls {
        Some(_) => Scheme::Https,
        None => Scheme::Http,
    }
}

/// The configuration was read for other services than those to start.
fn without_store(name: &str) -> Failure {
    Failure::Config(ConfigError::Unusable {
        key: format!("store.{name}"),
        message: "is missing".to_owned(),
    })
}

/// Of a task that should have gone on.
fn broken(ended: Result<Result<String, Failure>, JoinError>) -> Failure {
    match outcome(ended) {
        Ok(what) => Failure::message(format!("{what} ended by itself")),
        Err(failure) => failure,
    }
}

fn outcome(ended: Result<Result<String, Failure>, JoinError>) -> Result<String, Failure> {
    ended.unwrap_or_else(|error| Err(Failure::message(format!("a service failed: {error}"))))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn drains_the_rest_when_a_service_fails_and_returns_the_first_failure() {
        let (stop, stopped) = watch::channel(false);
        let mut running = Running {
            services: JoinSet::new(),
            helpers: JoinSet::new(),
            stop,
            drain: None,
            shutdown_delay: Duration::ZERO,
            shutdown_timeout: Duration::ZERO,
        };
        let drained = Arc::new(AtomicBool::new(false));
        let (done, mut panicked) = (Arc::clone(&drained), stopped.clone());
        running.services.spawn(async move {
            panicked.wait_for(|stop| *stop).await.unwrap();
            panic!("the first");
        });
        let mut last = stopped;
        running.services.spawn(async move {
            last.wait_for(|stop| *stop).await.unwrap();
            // Behind the panic, on the one thread of this runtime.
            tokio::task::yield_now().await;
            done.store(true, Ordering::Relaxed);
            Err(Failure::message("the second"))
        });

        let failure = running.finish().await.unwrap_err();
        assert_eq!(failure.exit_code(), 1);
        assert!(
            failure.to_string().starts_with("a service failed: "),
            "{failure}"
        );
        assert!(drained.load(Ordering::Relaxed));
    }
}
