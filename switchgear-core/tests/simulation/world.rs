use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi, Moment,
    backend::{Backend, BackendAddress},
    balance::{
        AffinityKey, Dispatch, DispatchRequest, Event as Told, Fleet, FleetView, HealthChange,
        NodeId, Outcome, PartitionNumber,
    },
    ln::Blame,
};

use super::{
    backends::{backend, partition},
    call::{CallId, LiveCall},
    conduct::Conduct,
    event::{Event, EventQueue},
    happened::Happened,
    model::Model,
    published::Published,
    request::{Request, RequestId},
    round::Round,
    settings::Settings,
    shell::Shell,
};

/// All that there is, stepped from event to event.
pub struct World {
    pub settings: Settings,
    pub now: Moment,
    /// Counts the steps.
    pub step: u64,
    pub fleet: Fleet,
    pub view: Arc<FleetView>,
    pub model: Model,
    pub shell: Shell,
    pub numbers: Vec<PartitionNumber>,
    pub published: Vec<Arc<Published>>,
    pub publish_at: Option<Moment>,
    /// Whether the next step is a publication: a snapshot is published before anything else.
    pub publish_next: bool,
    pub requests: BTreeMap<RequestId, Request>,
    pub calls: BTreeMap<CallId, LiveCall>,
    pub conducts: BTreeMap<BackendAddress, Conduct>,
    /// Whom each id meant, gone ones too.
    pub addresses: BTreeMap<NodeId, BackendAddress>,
    /// What the last check ought to have changed.
    pub expected_change: Option<HealthChange>,
    pub tally: Tally,
    pub(super) queue: EventQueue,
    pub(super) rng: StdRng,
    next_request: RequestId,
    /// Who has more to do at this moment.
    polling: Option<RequestId>,
    /// Whose end was the last step.
    ended: Option<RequestId>,
}

/// How it went so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub served: u64,
    pub failed: u64,
    /// Calls begun, by requests that have ended or not.
    pub calls: u64,
    /// Calls begun by requests that were served.
    pub attempts: u64,
    pub failed_calls: u64,
    pub refreshes: u64,
    pub ejections: u64,
    pub turns: u64,
    pub updates: u64,
    /// When the last requests that were served were; and the longest that one took.
    pub served_at: Vec<Moment>,
    pub longest: Duration,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let config = settings.fleet();
        let partitions = config.partitions.clone();
        let fleet = Fleet::new(config);
        let view = fleet.view();
        let model = Model::new(&settings);
        let numbers = partitions
            .iter()
            .filter_map(|name| view.number(name))
            .collect();
        let mut world = Self {
            now: Moment::after_origin(Duration::from_secs(1_000)),
            step: 0,
            fleet,
            view,
            model,
            shell: Shell::default(),
            numbers,
            published: Vec::new(),
            publish_at: None,
            publish_next: false,
            requests: BTreeMap::new(),
            calls: BTreeMap::new(),
            conducts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            expected_change: None,
            tally: Tally::default(),
            queue: EventQueue::default(),
            rng: StdRng::seed_from_u64(settings.seed),
            next_request: 0,
            polling: None,
            ended: None,
            settings,
        };
        world.note_pickers();
        world.queue.push(world.now, Event::DiscoveryTick);
        world
    }

    /// When the next step is due.
    pub fn next_at(&self) -> Option<Moment> {
        if self.polling.is_some() || self.publish_next {
            return Some(self.now);
        }
        self.queue.next_at()
    }

    /// One step: an event, or one action of a request.
    pub fn step(&mut self) -> Option<Happened> {
        self.step += 1;
        if let Some(id) = self.ended.take() {
            self.requests.remove(&id);
        }
        if std::mem::take(&mut self.publish_next) {
            return Some(self.publish());
        }
        if let Some(id) = self.polling {
            return Some(self.poll(id));
        }
        let (at, event) = self.queue.pop()?;
        self.now = self.now.max(at);
        Some(self.take(event))
    }

    fn take(&mut self, event: Event) -> Happened {
        match event {
            Event::Arrive(request) => self.arrive(request),
            Event::Wake(id, wait) => {
                let waits = self.requests.get(&id).map(|request| request.waits);
                self.wake(id, waits == Some(wait))
            }
            Event::Nudge(id) => self.wake(id, true),
            Event::Refreshed(id) => {
                let now = self.now;
                if let Some(request) = self.requests.get_mut(&id) {
                    request.dispatch.handle(Told::Refreshed, now);
                }
                self.wake(id, true)
            }
            Event::Answer(call, outcome) => self.answer(call, outcome),
            Event::Late(call) => self.end_detached(call, None),
            Event::CheckBegins(id, number) => self.begin_check(id, number),
            Event::CheckEnds(id, number, refresh, check) => {
                self.end_check(id, number, refresh, check)
            }
            Event::Report(report) => self.take_report(report),
            Event::Publish => self.publish(),
            Event::DiscoveryTick => self.tick(),
            Event::DiscoveryAnswers(asked, answer) => self.take_snapshot(asked, answer),
            Event::Refresh => self.begin_refresh(),
            Event::Turn(address, conduct, breaks) => self.turn(address, conduct, breaks),
            Event::List(backend) => self.list(backend),
            Event::Unlist(address) => self.unlist(address),
        }
    }

    // ---- What operations and scenarios do --------------------------------------------------------

    /// Lets an event happen some time from now.
    pub fn after(&mut self, delay: Duration, event: Event) {
        self.queue.push(self.now + delay, event);
    }

    /// A request for one of the partitions, by index.
    pub fn request(&self, partition: usize, msat: u64, key: Option<u8>) -> Option<DispatchRequest> {
        Some(DispatchRequest {
            partition: *self.numbers.get(partition)?,
            amount: Millisatoshi::new(msat),
            key: key.map(|key| AffinityKey::of(&[key])),
        })
    }

    pub fn list(&mut self, backend: Backend) -> Happened {
        let address = backend.address.clone();
        self.shell.version += 1;
        self.shell.listed.insert(address.clone(), backend);
        Happened::Edited(address)
    }

    pub fn unlist(&mut self, address: BackendAddress) -> Happened {
        self.shell.version += 1;
        self.shell.listed.remove(&address);
        Happened::Edited(address)
    }

    /// Lets a node behave otherwise; its calls under way break, or go on as they would have.
    pub fn turn(&mut self, address: BackendAddress, conduct: Conduct, breaks: bool) -> Happened {
        self.tally.turns += 1;
        self.conducts.insert(address.clone(), conduct);
        let hit = self
            .calls
            .iter()
            .filter(|(_, live)| breaks && *live.call.node().address() == address);
        for id in hit.map(|(id, _)| *id).collect::<Vec<_>>() {
            let outcome = Outcome::Failed(Blame::Node);
            self.queue.push(self.now, Event::Answer(id, outcome));
        }
        Happened::Turned(address)
    }

    // ---- Requests --------------------------------------------------------------------------------

    fn arrive(&mut self, request: DispatchRequest) -> Happened {
        let id = self.next_request;
        self.next_request += 1;
        let config = self.settings.dispatch;
        let partition = self
            .numbers
            .iter()
            .position(|number| *number == request.partition);
        let request = Request {
            dispatch: Dispatch::new(config, request, self.now),
            request,
            partition: partition.unwrap_or_default(),
            arrived: self.now,
            deadline: self.now + config.deadline,
            round: Round::new(0, self.step, None),
            listening: false,
            won: false,
            under_way: Vec::new(),
            last_candidate: None,
            owed: VecDeque::new(),
            doubtful: Vec::new(),
            waits: 0,
        };
        self.requests.insert(id, request);
        self.polling = Some(id);
        Happened::Arrived(id)
    }

    fn wake(&mut self, id: RequestId, really: bool) -> Happened {
        if !really || !self.requests.contains_key(&id) {
            return Happened::Nothing;
        }
        self.polling = Some(id);
        Happened::Woken(id)
    }

    /// The request has nothing more to do at this moment.
    pub(super) fn rest(&mut self) {
        self.polling = None;
    }

    pub(super) fn resume(&mut self, id: RequestId) {
        self.polling = Some(id);
    }

    /// The request is over; it is forgotten after this step.
    pub(super) fn end(&mut self, id: RequestId) {
        self.polling = None;
        self.ended = Some(id);
    }

    /// Looks for new pickers; the partitions that have one.
    pub(super) fn note_pickers(&mut self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (index, number) in self.numbers.iter().enumerate() {
            let Some(picker) = self.view.picker(*number) else {
                continue;
            };
            let before = self.published.get(index).cloned();
            if before
                .as_ref()
                .is_some_and(|before| Arc::ptr_eq(&before.picker, &picker))
            {
                continue;
            }
            let (now, step) = (self.now, self.step);
            let picker = Arc::clone(&picker);
            let published =
                Published::new(picker, &self.model, index, now, step, before.as_deref());
            let published = Arc::new(published);
            match self.published.get_mut(index) {
                Some(slot) => *slot = published,
                None => self.published.push(published),
            }
            changed.push(index);
        }
        changed
    }
}

impl World {
    /// Lists a node of this conduct in partitions, by index.
    pub fn register(&mut self, place: usize, partitions: &[usize], weight: u16, conduct: Conduct) {
        let partitions: Vec<_> = partitions.iter().map(|index| partition(*index)).collect();
        let backend = backend(place, &partitions, weight);
        self.conducts.insert(backend.address.clone(), conduct);
        self.list(backend);
    }

    /// Keeps the tally.
    pub fn count(&mut self, happened: &Happened) {
        match happened {
            Happened::Reported {
                change: Some(HealthChange::Ejected),
                ..
            } => {
                self.tally.ejections += 1;
            }
            Happened::Updated { .. } => self.tally.updates += 1,
            _ => {}
        }
    }
}
