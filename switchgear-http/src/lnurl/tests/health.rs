use super::*;

fn readiness(settled: bool, ready: usize) -> FakeBalancer {
    let partition = |name, ready| PartitionReadiness {
        name: Partition::try_new(name).unwrap(),
        ready,
        total: 3,
    };
    FakeBalancer {
        readiness: Readiness {
            settled,
            partitions: vec![partition("default", ready), partition("elsewhere", 3)],
        },
        ..FakeBalancer::default()
    }
}

#[tokio::test]
async fn reports_the_readiness_of_the_partitions_served_here() {
    for (settled, ready, status) in [(true, 2, 200), (true, 0, 500), (false, 2, 500)] {
        let bench = Bench::new(config(), readiness(settled, ready));
        let answer = bench.get("/health/full").await;
        assert_eq!(answer.status, status);
        answer.assert_uncached();
        let json = answer.json();
        assert_eq!(json["status"], if status == 200 { "OK" } else { "ERROR" });
        assert_eq!(
            json["partitions"],
            serde_json::json!([
                {"partition": "default", "ready": ready, "total": 3},
                {"partition": "eu", "ready": 0, "total": 0},
            ])
        );
        assert_eq!(bench.get("/health").await.status, 200);
        assert_eq!(
            bench.get("/health/full?partition=default").await.status,
            status
        );
        assert_eq!(bench.get("/health/full?partition=eu").await.status, 500);
        bench
            .get("/health/full?partition=elsewhere")
            .await
            .reason(404);
        bench.get("/health/full?partition=a%20b").await.reason(404);
    }
}

#[tokio::test]
async fn takes_the_partition_of_a_check_once() {
    let bench = Bench::new(config(), readiness(true, 1));
    let path = "/health/full?partition=default&partition=eu";
    let reason = bench.get(path).await.reason(400);
    assert_eq!(reason, "partition: must be given once");
}

#[tokio::test]
async fn draining_takes_readiness_away_and_nothing_else() {
    let bench = Bench::new(config(), readiness(true, 1));
    assert_eq!(bench.get("/health/full").await.status, 200);
    bench.service.drain_switch().drain();
    assert_eq!(bench.get("/health/full").await.status, 503);
    assert_eq!(bench.get("/health").await.status, 200);
    assert_eq!(
        bench.get(&path(ID, "/invoice?amount=1000")).await.status,
        200
    );
}

#[tokio::test]
async fn health_checks_stand_outside_the_hosts() {
    let bench = Bench::new(config(), readiness(true, 1));
    for path in ["/health", "/health/full"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(bench.send(request).await.status, 200);
    }
}

#[tokio::test]
async fn another_method_is_refused_under_every_host_and_with_its_own_status() {
    let config = LnurlConfig {
        errors_as_200: true,
        ..config()
    };
    let bench = Bench::new(config, readiness(true, 1));
    for path in ["/health", "/health/full"] {
        let request = Request::post(path).body(Body::empty()).unwrap();
        let answer = bench.send(request).await;
        answer.reason(405);
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
}

#[tokio::test]
async fn the_document_of_the_service_stands_behind_the_list_of_hosts() {
    let bench = Bench::standard();
    let answer = bench.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let stranger = Request::get("/openapi.json")
        .header(header::HOST, "elsewhere.example")
        .body(Body::empty())
        .unwrap();
    bench.send(stranger).await.reason(400);
}
