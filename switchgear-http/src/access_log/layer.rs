use tower_layer::Layer;

use super::AccessLog;

/// Puts an [`AccessLog`] around a service.
#[derive(Debug, Clone, Copy)]
pub struct AccessLogLayer(LoggedService);

impl AccessLogLayer {
    /// Logs in the name of `service`.
    pub fn new(service: LoggedService) -> Self {
        Self(service)
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessLog::new(inner, self.0)
    }
}

/// In whose name requests are logged; the target of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedService {
    /// `clf::lnurl`
    Lnurl,
    /// `clf::discovery`
    Discovery,
    /// `clf::offer`
    Offer,
}
