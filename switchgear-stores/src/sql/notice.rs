/// Tells of a write that may hold, when it is dropped.
///
/// Once its commit was asked for, a write may hold even though its answer is late or lost. A notice
/// too many costs a look at what did not change; one too few hides a change.
pub(crate) struct Notice<F: FnOnce()> {
    tell: Option<F>,
    may_hold: bool,
}

impl<F: FnOnce()> Notice<F> {
    pub(crate) fn new(tell: F) -> Self {
        Self {
            tell: Some(tell),
            may_hold: false,
        }
    }

    /// To be called right before the commit.
    pub(crate) fn commit_is_asked(&mut self) {
        self.may_hold = true;
    }
}

impl<F: FnOnce()> Drop for Notice<F> {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take().filter(|_| self.may_hold) {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn comes_when_the_answer_to_the_commit_does_not() {
        let told = Cell::new(0);
        let write = |is_asked: bool| {
            let mut notice = Notice::new(|| told.set(told.get() + 1));
            async move {
                if is_asked {
                    notice.commit_is_asked();
                }
                pending::<()>().await;
            }
        };
        let second = Duration::from_secs(1);
        timeout(second, write(false)).await.unwrap_err();
        assert_eq!(told.get(), 0, "nothing was to be committed");
        timeout(second, write(true)).await.unwrap_err();
        assert_eq!(told.get(), 1);
    }
}
