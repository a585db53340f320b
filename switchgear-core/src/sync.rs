//! What threads share: the atomics of the standard library, and a number for each thread.
//!
//! The files that use them name them through `crate::sync`, so that a model checker can compile the
//! same files over its own atomics.

use std::cell::Cell;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// A number for the calling thread; the first threads to ask get 0, 1, 2 and so on.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let next = usize::try_from(next).unwrap_or(usize::MAX);
            number.set(Some(next));
            next
        })
    })
}
