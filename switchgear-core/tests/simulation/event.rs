use std::{cmp::Reverse, collections::BinaryHeap};

use switchgear_core::{
    Moment,
    backend::{Backend, BackendAddress},
    balance::{Check, DispatchRequest, NodeId, Outcome, Report},
};

use super::{call::CallId, conduct::Conduct, request::RequestId};

/// What is to happen at some moment.
#[derive(Debug)]
pub enum Event {
    /// A wallet asks for an invoice.
    Arrive(DispatchRequest),
    /// The moment has come that a request waits for, if its last wait has this number.
    Wake(RequestId, u64),
    /// Something of interest to a request has changed.
    Nudge(RequestId),
    /// The shared refresh is over.
    Refreshed(RequestId),
    Answer(CallId, Outcome),
    /// The limit of a call that outlived its request.
    Late(CallId),
    CheckBegins(NodeId, u64),
    CheckEnds(NodeId, u64, u64, Check),
    Report(Report),
    Publish,
    DiscoveryTick,
    /// Discovery answers what it was asked at this moment; `None` for an error.
    DiscoveryAnswers(Moment, Option<(u64, Vec<Backend>)>),
    Refresh,
    /// A node behaves otherwise from now on; its calls under way break if `bool`.
    Turn(BackendAddress, Conduct, bool),
    /// Discovery lists this from now on.
    List(Backend),
    /// Discovery lists this no more.
    Unlist(BackendAddress),
}

/// Events in the order of their moments; of one moment, in the order in which they were pushed.
#[derive(Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Reverse<Due>>,
    pushed: u64,
}

#[derive(Debug)]
struct Due {
    at: Moment,
    number: u64,
    event: Event,
}

impl EventQueue {
    pub fn push(&mut self, at: Moment, event: Event) {
        let number = self.pushed;
        self.pushed += 1;
        self.heap.push(Reverse(Due { at, number, event }));
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse(due)| due.at)
    }

    pub fn pop(&mut self) -> Option<(Moment, Event)> {
        self.heap.pop().map(|Reverse(due)| (due.at, due.event))
    }
}

impl Due {
    fn order(&self) -> (Moment, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}
