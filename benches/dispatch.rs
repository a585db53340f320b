//! What the balancer itself costs a request: from its arrival to its first call, and to its end when
//! the first node answers, in fleets of growing size. The cost must not grow with the fleet.
//!
//! `cargo bench -p switchgear-benches --bench dispatch`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Moment, Partition,
    backend::Backend,
    balance::{
        Action, Backoff, Dispatch, DispatchConfig, EjectionPolicy, Event, Fleet, FleetConfig,
        HealthThresholds, Outcome,
    },
};

const CONFIG: DispatchConfig = DispatchConfig {
    deadline: Duration::from_secs(5),
    attempt_limit: Duration::from_secs(2),
    hedge_after: None,
    backoff: Backoff::Stop,
};

fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request_to_answer");
    for nodes in [10, 1_000, 10_000] {
        let partition = partition();
        let view = healthy(nodes, &partition).view().load_full();
        let mut rng = StdRng::seed_from_u64(1);
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| {
                let now = Moment::ORIGIN;
                let mut dispatch = Dispatch::new(CONFIG, partition.clone(), now);
                let Action::Start(call) = dispatch.poll(now, &view, &mut rng) else {
                    unreachable!("a healthy fleet has a node to ask");
                };
                dispatch.handle(Event::Answer {
                    attempt: call.attempt(),
                    outcome: Outcome::Invoice,
                });
                black_box(dispatch.poll(now, &view, &mut rng))
            });
        });
    }
    group.finish();
}

fn partition() -> Partition {
    Partition::try_new("default").expect("the name is well formed")
}

/// A fleet whose nodes have all been checked as healthy.
fn healthy(nodes: usize, partition: &Partition) -> Fleet {
    let thresholds = HealthThresholds::default();
    let mut fleet = Fleet::new(FleetConfig {
        partitions: [partition.clone()].into(),
        thresholds,
        ejection: EjectionPolicy::from_thresholds(thresholds),
        first_turn: 0,
    });
    let backends = (0..nodes).map(backend).collect();
    for node in fleet.update(backends, Moment::ORIGIN).started {
        fleet.checked(node.id, true, Moment::ORIGIN);
    }
    fleet
}

fn backend(index: usize) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://n{index}.example.com")},
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false
        }
    }))
    .expect("the backend is well formed")
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
