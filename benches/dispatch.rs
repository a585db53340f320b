//! What the balancer itself costs a request: from its arrival to its first call, and to its end when
//! the first node answers, in fleets of growing size. The cost must not grow with the fleet.
//!
//! `cargo bench -p switchgear-benches --bench dispatch`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_benches::fleet::{CHECKED, GOOD, backends, checked, partition};
use switchgear_core::{
    Millisatoshi,
    balance::{
        Action, Backoff, Dispatch, DispatchConfig, DispatchRequest, Event, FleetConfig, Outcome,
    },
};

const CONFIG: DispatchConfig = DispatchConfig {
    deadline: Duration::from_secs(5),
    attempt_limit: Duration::from_secs(2),
    hedge_after: None,
    max_iterations: None,
    backoff: Backoff::Stop,
};

fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request_to_answer");
    for nodes in [10, 1_000, 10_000] {
        let config = FleetConfig::new([partition(0)].into());
        let fleet = checked(config, backends(nodes, |_| (partition(0), 1)), |_| GOOD);
        let view = fleet.view();
        let request = DispatchRequest {
            partition: view.number(&partition(0)).expect("it is served"),
            amount: Millisatoshi::ZERO,
            key: None,
        };
        let mut rng = StdRng::seed_from_u64(1);
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| {
                let mut dispatch = Dispatch::new(CONFIG, request, CHECKED);
                let Action::Start(call) = dispatch.poll(CHECKED, &view, &mut rng) else {
                    unreachable!("a healthy fleet has a node to ask");
                };
                let answer = Event::Answer {
                    attempt: call.attempt(),
                    outcome: Outcome::Invoice,
                };
                dispatch.handle(answer, CHECKED);
                black_box(dispatch.poll(CHECKED, &view, &mut rng))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
