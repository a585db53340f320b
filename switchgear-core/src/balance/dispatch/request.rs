use crate::{
    Millisatoshi, Moment,
    balance::{AffinityKey, FleetView, PartitionNumber, Pick},
    ln::InvoiceRequest,
};

/// What a [`Dispatch`](super::Dispatch) goes by of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchRequest {
    /// Whose nodes may be asked.
    pub partition: PartitionNumber,
    /// What must be received.
    pub amount: Millisatoshi,
    /// What consistent hashing goes by.
    pub key: Option<AffinityKey>,
}

impl DispatchRequest {
    /// What matters of `request` to the fleet behind `view`; `None` when its partition is not served.
    pub fn of(request: &InvoiceRequest, view: &FleetView) -> Option<Self> {
        let comment = request.comment.as_ref();
        Some(Self {
            partition: view.number(&request.partition)?,
            amount: request.amount,
            key: comment.map(|comment| AffinityKey::of(comment.as_str().as_bytes())),
        })
    }

    pub(super) fn pick(&self, now: Moment) -> Pick {
        Pick {
            now,
            amount: self.amount,
            key: self.key,
        }
    }
}
