use http::{Response, StatusCode};
use serde::Serialize;
use switchgear_core::{
    Partition,
    ln::{PartitionReadiness, Readiness},
};

use super::{answer::Refusal, api::Check, query::Query, service::Shared};
use crate::{body::Body, caching, reply};

/// Answers a health check.
pub(super) fn check(
    shared: &Shared,
    check: Check,
    query: Query<'_>,
) -> Result<Response<Body>, Refusal> {
    match check {
        Check::Liveness => Ok(liveness()),
        Check::Readiness => readiness(shared, query),
    }
}

/// Whether the process runs.
fn liveness() -> Response<Body> {
    report(StatusCode::OK, None, &[])
}

/// Whether invoices can be made: in any partition served here, or in the one asked for.
fn readiness(shared: &Shared, query: Query<'_>) -> Result<Response<Body>, Refusal> {
    let asked = query.once("partition")?;
    let asked = asked
        .map(|name| served(shared, &name).ok_or_else(unknown))
        .transpose()?;
    let readiness = shared.balancer.readiness();
    let partitions = shared
        .config
        .partitions
        .iter()
        .filter(|name| asked.as_ref().is_none_or(|asked| asked == *name))
        .map(|name| count(&readiness, name))
        .collect::<Vec<_>>();
    let (status, reason) = judge(shared, &readiness, &partitions);
    Ok(report(status, reason, &partitions))
}

fn served(shared: &Shared, name: &str) -> Option<Partition> {
    shared.config.partitions.get(name).cloned()
}

fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "this partition is not served here")
}

fn judge(
    shared: &Shared,
    readiness: &Readiness,
    partitions: &[PartitionCount<'_>],
) -> (StatusCode, Option<&'static str>) {
    if shared.drain.is_draining() {
        let reason = "the service is shutting down";
        return (StatusCode::SERVICE_UNAVAILABLE, Some(reason));
    }
    let reason = if !readiness.settled {
        "the lightning nodes have not all been checked yet"
    } else if partitions.iter().all(|partition| partition.ready == 0) {
        "no lightning node is ready"
    } else {
        return (StatusCode::OK, None);
    };
    (StatusCode::INTERNAL_SERVER_ERROR, Some(reason))
}

fn count<'a>(readiness: &Readiness, name: &'a Partition) -> PartitionCount<'a> {
    let known = readiness.partition(name);
    let number = |figure: fn(&PartitionReadiness) -> usize| known.map_or(0, figure);
    PartitionCount {
        partition: name,
        ready: number(|known| known.ready),
        total: number(|known| known.total),
    }
}

fn report(
    status: StatusCode,
    reason: Option<&'static str>,
    partitions: &[PartitionCount<'_>],
) -> Response<Body> {
    let report = Report {
        status: if reason.is_none() { "OK" } else { "ERROR" },
        reason,
        partitions,
    };
    let mut response = reply::json(status, &report);
    caching::forbid(response.headers_mut());
    response
}

/// The body of both health checks.
#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    partitions: &'a [PartitionCount<'a>],
}

/// How many nodes of a partition are ready; no addresses.
#[derive(Serialize)]
struct PartitionCount<'a> {
    partition: &'a Partition,
    ready: usize,
    total: usize,
}
