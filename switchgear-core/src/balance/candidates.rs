use std::sync::Arc;

use super::{Node, Picker, run::Run};

/// Whom a request asks, best first, each node once.
#[derive(Debug)]
pub struct Candidates<'a> {
    pub(super) picker: &'a Picker,
    pub(super) run: Run,
}

impl<'a> Iterator for Candidates<'a> {
    type Item = &'a Arc<Node>;

    fn next(&mut self) -> Option<&'a Arc<Node>> {
        self.run.next(self.picker)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.run.left(), Some(self.run.left()))
    }
}

impl ExactSizeIterator for Candidates<'_> {}
