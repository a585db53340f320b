use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Invoice, InvoiceRequest, LnError, NodeStatus};

/// One Lightning node.
///
/// The caller bounds each call in time by dropping its future, which must leave the client usable;
/// the client itself never retries, for the next node is asked at once.
#[async_trait]
pub trait LnClient: Send + Sync + fmt::Debug {
    /// Asks for an invoice. Not idempotent: each success is a new invoice.
    ///
    /// # Errors
    /// When the node gave none, whatever the reason.
    async fn invoice(&self, request: &InvoiceRequest) -> Result<Invoice, LnError>;

    /// Asks how the node is. Idempotent.
    ///
    /// # Errors
    /// When the node cannot be asked, or is not ready to serve.
    async fn status(&self) -> Result<NodeStatus, LnError>;
}

#[async_trait]
impl<T: LnClient + ?Sized> LnClient for Arc<T> {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<Invoice, LnError> {
        (**self).invoice(request).await
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        (**self).status().await
    }
}
