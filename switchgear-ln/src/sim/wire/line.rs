use std::sync::Arc;

use tokio::sync::watch;

/// How a call ends the connection that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Ending {
    /// Calls are finished, further ones belong elsewhere.
    GoAway,
    /// No call is finished.
    GoAwayUnanswered,
    /// Without a word.
    Reset,
}

/// What a call can do to its connection.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Line(Arc<watch::Sender<Option<Ending>>>);

impl Line {
    /// For one connection, with what that one listens to.
    pub(super) fn new() -> (Self, watch::Receiver<Option<Ending>>) {
        let (ending, ended) = watch::channel(None);
        (Self(Arc::new(ending)), ended)
    }

    /// Ends the connection; says whether this was the first call to do so.
    pub(in crate::sim) fn end(&self, how: Ending) -> bool {
        self.0.send_if_modified(|ending| {
            let first = ending.is_none();
            ending.get_or_insert(how);
            first
        })
    }
}
