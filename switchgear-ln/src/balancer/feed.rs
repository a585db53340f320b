use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use switchgear_core::backend::DiscoveryFeed;
use tokio::{sync::Notify, time::sleep};

/// Hears the changes that discovery tells of: from `delay` on, which is told as a change too, for
/// nothing was heard before. A task of its own, as the store's code may panic.
pub(super) async fn listen(feed: Arc<dyn DiscoveryFeed>, changed: Arc<Notify>, delay: Duration) {
    // A sleep of zero takes a moment all the same.
    if !delay.is_zero() {
        sleep(delay).await;
    }
    let mut changes = feed.changes();
    changed.notify_one();
    while changes.next().await.is_some() {
        changed.notify_one();
    }
}
