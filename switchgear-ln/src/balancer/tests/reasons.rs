//! When the log tells of a node's reason once more.

use switchgear_core::{
    Moment,
    balance::{Fleet, NodeId},
};
use tokio::time::advance;

use super::world::{backend, config};
use crate::balancer::reasons::Reasons;

fn node() -> NodeId {
    let mut fleet = Fleet::new(config().fleet(0));
    let update = fleet.update(vec![backend("a")], Moment::ORIGIN);
    update.started[0].id
}

#[tokio::test(start_paused = true)]
async fn another_reason_is_news_once_in_a_while() {
    let (node, mut reasons) = (node(), Reasons::default());
    assert!(!reasons.is_news(node, "no certificate"), "never told of");
    reasons.told(node, "no certificate".to_owned());
    assert!(!reasons.is_news(node, "no macaroon"), "too soon");
    advance(Reasons::PAUSE).await;
    assert!(!reasons.is_news(node, "no certificate"), "the same");
    assert!(reasons.is_news(node, "no macaroon"));
    assert!(!reasons.is_news(node, "no certificate"), "too soon again");
    reasons.forget(node);
    advance(Reasons::PAUSE).await;
    assert!(!reasons.is_news(node, "no certificate"), "healthy or gone");
}
