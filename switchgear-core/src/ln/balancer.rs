use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Invoice, InvoiceRequest};
use crate::{Partition, backend::BackendAddress};

/// A fleet of Lightning nodes that answers as one.
#[async_trait]
pub trait LnBalancer: Send + Sync + fmt::Debug {
    /// An invoice from a node of the request's partition that is up and can receive the amount;
    /// when one node fails, from the next.
    ///
    /// Safe to cancel: dropping the future drops the calls in flight.
    ///
    /// # Errors
    /// When no node gave one before the balancer's own deadline.
    async fn invoice(&self, request: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice>;

    /// How many nodes are ready, by partition served. Asking changes nothing.
    fn readiness(&self) -> Readiness;
}

#[async_trait]
impl<T: LnBalancer + ?Sized> LnBalancer for Arc<T> {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice> {
        (**self).invoice(request).await
    }

    fn readiness(&self) -> Readiness {
        (**self).readiness()
    }
}

/// An invoice and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedInvoice {
    /// The invoice.
    pub invoice: Invoice,
    /// The node that made it.
    pub node: BackendAddress,
    /// How many calls it took, the good one included.
    pub attempts: u32,
    /// From the request to the answer.
    pub elapsed: Duration,
}

/// Why there is no invoice. Its text is fit for a payer: it names no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoInvoice {
    /// No node serves the partition.
    #[error("no lightning node serves this offer")]
    NoNode,
    /// Every node that could be asked failed, as often as the back-off allowed.
    #[error("no lightning node could make the invoice, please try again")]
    Exhausted,
    /// The deadline passed first.
    #[error("no lightning node answered in time, please try again")]
    Deadline,
    /// The balancer is shutting down.
    #[error("the service is shutting down")]
    Closed,
}

/// How many nodes are ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether each node has been checked at least once since the start.
    pub settled: bool,
    /// Every partition served, in alphabetical order.
    pub partitions: Vec<PartitionReadiness>,
}

impl Readiness {
    /// Whether any partition has a ready node, once all have been checked.
    pub fn is_ready(&self) -> bool {
        self.settled && self.partitions.iter().any(|partition| partition.ready > 0)
    }

    /// What is known of `partition`, if it is served.
    pub fn partition(&self, partition: &Partition) -> Option<&PartitionReadiness> {
        self.partitions.iter().find(|one| one.name == *partition)
    }
}

/// How many nodes of one partition are ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionReadiness {
    /// The partition.
    pub name: Partition,
    /// Nodes that take invoices now.
    pub ready: usize,
    /// Nodes that discovery lists for it.
    pub total: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(name: &str, ready: usize) -> PartitionReadiness {
        PartitionReadiness {
            name: Partition::try_new(name).unwrap(),
            ready,
            total: 2,
        }
    }

    #[test]
    fn is_ready_when_all_were_checked_and_one_takes_invoices() {
        let readiness = |settled, ready| Readiness {
            settled,
            partitions: vec![partition("eu", 0), partition("us", ready)],
        };
        assert!(readiness(true, 1).is_ready());
        assert!(!readiness(true, 0).is_ready());
        assert!(!readiness(false, 1).is_ready());
        assert!(!Readiness::default().is_ready());
    }

    #[test]
    fn knows_the_partitions_served_and_no_other() {
        let readiness = Readiness {
            settled: true,
            partitions: vec![partition("eu", 0), partition("us", 1)],
        };
        let us = Partition::try_new("us").unwrap();
        assert_eq!(readiness.partition(&us), Some(&partition("us", 1)));
        assert_eq!(
            readiness.partition(&Partition::try_new("asia").unwrap()),
            None
        );
    }

    #[test]
    fn tells_a_payer_when_to_try_again() {
        for (reason, again) in [
            (NoInvoice::NoNode, false),
            (NoInvoice::Exhausted, true),
            (NoInvoice::Deadline, true),
            (NoInvoice::Closed, false),
        ] {
            let text = reason.to_string();
            assert_eq!(text.ends_with(", please try again"), again, "{text}");
        }
    }
}
