use std::sync::Arc;

use switchgear_core::{
    Moment,
    balance::{Action, AttemptId, Call, Event as Told, NodeId, Outcome, Report},
    ln::{Blame, NoInvoice},
};

use super::{
    call::{CallId, LiveCall, Manner},
    event::Event,
    happened::{Asked, Happened},
    request::RequestId,
    round::{Round, RoundRun, Wait},
    world::World,
};

impl World {
    /// Lets a request take its next action.
    pub(super) fn poll(&mut self, id: RequestId) -> Happened {
        let Some(request) = self.requests.get_mut(&id) else {
            self.rest();
            return Happened::Nothing;
        };
        let action = request.dispatch.poll(self.now, &self.view, &mut self.rng);
        let number = request.dispatch.rounds();
        if number != request.round.number {
            request.round = Round::new(number, self.step, request.round.ended);
        }
        match action {
            Action::Start(call) => self.start(id, call),
            Action::Cancel(attempt) => self.cancel(id, attempt),
            Action::Detach(attempt) => self.detach(id, attempt),
            Action::Report(report) => self.tell(id, report),
            Action::Refresh => {
                request.listening = true;
                request.round.refreshed = Some(self.now);
                request.round.run = None;
                self.want_refresh();
                Happened::WantedRefresh(id)
            }
            Action::WaitUntil(until) => self.wait(id, until),
            Action::Done(result) => self.done(id, result),
        }
    }

    fn start(&mut self, id: RequestId, call: Call) -> Happened {
        let asked = self.describe(id, &call);
        let Some(request) = self.requests.get_mut(&id) else {
            return Happened::Nothing;
        };
        let manner = asked.manner.unwrap_or(Manner::Trial);
        let node = call.node_id();
        request.round.asked.push(node);
        request.under_way.push((call.attempt(), manner));
        if manner == Manner::Candidate {
            request.last_candidate = Some(self.now);
        }
        self.tally.calls += 1;
        let address = call.node().address();
        let conduct = self.conducts.get(address);
        if let Some((at, outcome)) =
            conduct.and_then(|conduct| conduct.answer(self.now, &mut self.rng))
        {
            self.queue
                .push(at, Event::Answer((id, call.attempt()), outcome));
        }
        let live = LiveCall {
            manner,
            started: self.now,
            detached: false,
            call,
        };
        self.calls.insert((id, live.call.attempt()), live);
        Happened::Asked(asked)
    }

    /// What a call is, seen from outside; brings the request's run up to date with it.
    fn describe(&mut self, id: RequestId, call: &Call) -> Asked {
        let node = call.node_id();
        let holding = self
            .calls
            .values()
            .filter(|live| live.on_trial() && live.node() == node);
        let other_trials = holding.count();
        let mut asked = Asked {
            request: id,
            attempt: call.attempt(),
            node,
            open: call.node().is_open(),
            manner: None,
            limit: call.limit(),
            left: (1, 1),
            again: false,
            beside: (0, 0),
            last_candidate: None,
            other_trials,
            rank: None,
        };
        let Some(request) = self.requests.get_mut(&id) else {
            return asked;
        };
        let current = Arc::clone(&self.published[request.partition]);
        asked.again = request.round.asked.contains(&node);
        asked.beside = (
            request.count(|manner| manner == Manner::Candidate),
            request.count(|manner| manner != Manner::Candidate),
        );
        asked.last_candidate = request.last_candidate;
        let quota = request.round.quota(self.settings.dispatch.max_iterations);
        let run = request.round.run.as_ref();
        let alone = request.under_way.is_empty();
        let begins = run.is_none_or(|run| alone && run.may_start_over(node));
        if begins && current.node(node).is_some() {
            let certain = run.is_none_or(|run| run.published.node(node).is_none());
            let run = RoundRun::new(Arc::clone(&current), self.now, certain);
            request.round.run = Some(run);
            let probed = current
                .ejected
                .get(&node)
                .is_some_and(|node| node.is_probe_due(self.now));
            if probed && !current.ready.is_empty() && other_trials == 0 {
                asked.manner = Some(Manner::Probe);
                return asked;
            }
        }
        // One that was a candidate, was closed in its turn, and is listed anew is no candidate any more.
        let tried = call.is_trial() && current.dormant.contains(&node);
        let run = request.round.run.as_ref();
        let in_run = !tried && run.is_some_and(|run| run.published.node(node).is_some());
        if in_run {
            asked.manner = Some(Manner::Candidate);
            self.describe_candidate(id, &mut asked);
        } else if current.dormant.contains(&node) {
            asked.manner = Some(Manner::Trial);
            request.round.run = None;
            if request.round.met_ready {
                request.round.end(self.now, current.ready.is_empty());
            }
            let open = |id: &&NodeId| self.model.is_open(**id) && !request.round.asked.contains(id);
            let left = current.dormant.iter().filter(open).count();
            asked.left = (left.min(quota), left.min(quota));
            request.round.spent += 1;
        }
        asked
    }

    fn describe_candidate(&mut self, id: RequestId, asked: &mut Asked) {
        let biased = self.settings.bias.is_some();
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let current = &self.published[request.partition];
        let model = &self.model;
        let amount = request.request.amount;
        let round = &mut request.round;
        let quota = round.quota(self.settings.dispatch.max_iterations);
        let Some(run) = &mut round.run else {
            return;
        };
        let may_be_asked = |one: &NodeId| model.is_open(*one) && current.lists(*one);
        let published = Arc::clone(&run.published);
        let (open, closed): (Vec<_>, Vec<_>) = published.candidates().partition(may_be_asked);
        let unasked = |one: &&NodeId| **one != asked.node && !round.asked.contains(one);
        let ahead = |one: &&NodeId| !run.passed.contains(one);
        let least = 1 + open.iter().filter(unasked).filter(ahead).count();
        let most = 1 + open.iter().chain(&closed).filter(unasked).count();
        run.passed.extend(closed);
        asked.left = match run.certain {
            true => (least.min(quota), most.min(quota)),
            false => (1, usize::MAX),
        };
        let rank = published
            .rank(asked.node, amount, run.began, biased)
            .unwrap_or(u8::MAX);
        asked.rank = run.certain.then_some((rank, run.rank));
        run.rank = run.rank.max(rank);
        round.ended = None;
        round.resting = None;
        round.spent += 1;
        round.met_ready |= !run.published.ready.is_empty();
    }

    fn cancel(&mut self, id: RequestId, attempt: AttemptId) -> Happened {
        let Some(live) = self.calls.remove(&(id, attempt)) else {
            return Happened::Nothing;
        };
        let node = live.node();
        let Some(request) = self.requests.get_mut(&id) else {
            return Happened::Nothing;
        };
        request.forget_call(attempt);
        let late = self.now >= live.call.limit() && !request.won;
        if late {
            if live.is_fair(self.settings.dispatch.attempt_limit) {
                let outcome = Outcome::Failed(Blame::Node);
                let owed = self.model.called(node, outcome, live.on_trial());
                request.owed.extend(owed);
            } else {
                request.doubtful.push((node, live.on_trial()));
            }
            self.tally.failed_calls += 1;
        }
        Happened::Cancelled {
            request: id,
            attempt,
            node,
            late,
        }
    }

    fn detach(&mut self, id: RequestId, attempt: AttemptId) -> Happened {
        let Some(live) = self.calls.get_mut(&(id, attempt)) else {
            return Happened::Nothing;
        };
        live.detached = true;
        let at = live.call.limit();
        self.queue.push(at, Event::Late((id, attempt)));
        if let Some(request) = self.requests.get_mut(&id) {
            request.forget_call(attempt);
        }
        Happened::Detached(id, attempt)
    }

    fn tell(&mut self, id: RequestId, report: Report) -> Happened {
        // Of a node that discovery has dropped meanwhile the model expects nothing more; what it expects of
        // the others is still to come.
        let known = self.model.address(report.node()).is_some();
        let owed = self.requests.get_mut(&id).and_then(|request| {
            let next = request.owed.front() == Some(&report);
            (known || next).then(|| request.owed.pop_front()).flatten()
        });
        self.queue
            .push(self.now + self.settings.lag, Event::Report(report));
        Happened::Told {
            request: id,
            report,
            expected: owed,
        }
    }

    fn wait(&mut self, id: RequestId, until: Moment) -> Happened {
        self.rest();
        let now = self.now;
        let Some(request) = self.requests.get_mut(&id) else {
            return Happened::Nothing;
        };
        request.waits += 1;
        let under_way = request.under_way.len();
        let bounds = (request.deadline, self.settings.dispatch.attempt_limit);
        let wait = request.round.wait(now, until, bounds, under_way);
        let current = &self.published[request.partition];
        if wait == Wait::Rest {
            request.round.resting = Some(until);
            request.round.end(now, current.ready.is_empty());
        }
        // With nobody to wait for, or whose time is over, it has looked for another one to ask.
        let hedge_at = request.hedge_at(self.settings.dispatch.hedge_after);
        let looked = request.count(|manner| manner == Manner::Candidate) == 0
            || hedge_at.is_some_and(|at| at <= now);
        if let Some(run) = request.round.run.as_mut().filter(|_| looked) {
            run.look(|id| self.model.is_open(id) && current.lists(id));
        }
        let event = Event::Wake(id, request.waits);
        self.queue.push(until, event);
        Happened::Waited {
            request: id,
            until,
            wait,
        }
    }

    fn done(&mut self, id: RequestId, result: Result<AttemptId, NoInvoice>) -> Happened {
        self.end(id);
        let Some(request) = self.requests.get(&id) else {
            return Happened::Nothing;
        };
        let attempts = request.dispatch.attempts();
        let took = self.now.since(request.arrived);
        self.tally.longest = self.tally.longest.max(took);
        match result {
            Ok(_) => {
                self.tally.served += 1;
                self.tally.attempts += u64::from(attempts);
                self.tally.served_at.push(self.now);
            }
            Err(_) => self.tally.failed += 1,
        }
        Happened::Ended {
            request: id,
            result,
            attempts,
        }
    }

    pub(super) fn answer(&mut self, id: CallId, outcome: Outcome) -> Happened {
        let Some(live) = self.calls.get(&id) else {
            return Happened::Nothing;
        };
        if live.detached {
            return self.end_detached(id, Some(outcome));
        }
        // The call is over before anybody hears of it.
        let Some(live) = self.calls.remove(&id) else {
            return Happened::Nothing;
        };
        let (node, on_trial) = (live.node(), live.on_trial());
        drop(live);
        let (request_id, attempt) = id;
        let Some(request) = self.requests.get_mut(&request_id) else {
            return Happened::Nothing;
        };
        request.forget_call(attempt);
        request.won |= outcome == Outcome::Invoice;
        request
            .owed
            .extend(self.model.called(node, outcome, on_trial));
        if outcome == Outcome::Invoice {
            for (node, on_trial) in std::mem::take(&mut request.doubtful) {
                let late = Outcome::Failed(Blame::Node);
                request.owed.extend(self.model.called(node, late, on_trial));
            }
        }
        request
            .dispatch
            .handle(Told::Answer { attempt, outcome }, self.now);
        self.tally.failed_calls += u64::from(outcome != Outcome::Invoice);
        self.resume(request_id);
        Happened::Answered {
            request: request_id,
            attempt,
            node,
            outcome,
        }
    }

    pub(super) fn end_detached(&mut self, id: CallId, outcome: Option<Outcome>) -> Happened {
        let Some(live) = self.calls.remove(&id) else {
            return Happened::Nothing;
        };
        let (node, on_trial) = (live.node(), live.on_trial());
        let verdict = live.call.verdict().clone();
        drop(live);
        // Another one made the invoice: there was time enough.
        let judged = outcome.unwrap_or(Outcome::Failed(Blame::Node));
        let expected = self.model.called(node, judged, on_trial);
        let report = match outcome {
            Some(outcome) => verdict.of(outcome, self.now),
            None => verdict.late(self.now),
        };
        if let Some(report) = report {
            self.queue
                .push(self.now + self.settings.lag, Event::Report(report));
        }
        Happened::DetachedEnded {
            node,
            report,
            expected,
        }
    }
}
