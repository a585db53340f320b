use async_trait::async_trait;
use switchgear_core::ln::{Invoice, InvoiceRequest, LnClient, LnError, LnErrorKind, NodeStatus};

/// A node of a kind that this build does not speak: each call says so.
#[derive(Debug)]
pub(super) struct UnsupportedClient {
    kind: &'static str,
}

impl UnsupportedClient {
    /// Stands for a node of `kind`.
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind }
    }

    fn error(&self) -> LnError {
        let message = format!("this build has no {} client", self.kind);
        LnError::new(LnErrorKind::Internal, message)
    }
}

#[async_trait]
impl LnClient for UnsupportedClient {
    async fn invoice(&self, _request: &InvoiceRequest) -> Result<Invoice, LnError> {
        Err(self.error())
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        Err(self.error())
    }
}
