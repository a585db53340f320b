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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        balance::{Fleet, fixture},
        lnurl::{Comment, CommentLimit, PayMetadata},
    };

    #[test]
    fn goes_by_partition_amount_and_comment() {
        let fleet = Fleet::new(fixture::config(&["a", "b"]));
        let limit = CommentLimit::new(64).unwrap();
        let mut request = InvoiceRequest {
            partition: fixture::partition("b"),
            amount: Millisatoshi::new(21_000),
            metadata: PayMetadata::from_served("[]"),
            expiry: Duration::from_secs(180),
            comment: Comment::try_new("alice", limit).unwrap(),
        };
        let of = |request: &InvoiceRequest| DispatchRequest::of(request, &fleet.view());
        let served = of(&request).unwrap();
        assert_eq!(
            Some(served.partition),
            fleet.view().number(&request.partition)
        );
        assert_eq!(served.amount, request.amount);
        assert_eq!(served.key, Some(AffinityKey::of(b"alice")));
        request.comment = None;
        assert_eq!(of(&request).unwrap().key, None);
        request.partition = fixture::partition("c");
        assert_eq!(of(&request), None, "it is not served");
    }
}
