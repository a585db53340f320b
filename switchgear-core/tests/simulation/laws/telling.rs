use std::time::Duration;

use switchgear_core::balance::{HealthChange, Report};

use super::{
    super::{happened::Happened, world::World},
    Broken, Law, ensure,
};

/// Requests tell of a node what their calls say of it, no more and no less, and before they wait.
#[derive(Debug)]
pub struct Reports;

impl Law for Reports {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let known = |report: &Report| world.model.address(report.node()).is_some();
        match happened {
            Happened::Told {
                report, expected, ..
            } => ensure(Some(*report) == *expected || !known(report), || {
                format!("{happened:?}")
            }),
            Happened::DetachedEnded {
                report, expected, ..
            } => {
                let unknown = report.as_ref().is_some_and(|report| !known(report));
                ensure(report == expected || unknown, || format!("{happened:?}"))
            }
            Happened::Waited { request, .. } | Happened::Ended { request, .. } => {
                let owed = world
                    .requests
                    .get(request)
                    .and_then(|request| request.owed.front().copied());
                ensure(owed.is_none_or(|owed| !known(&owed)), || {
                    format!("{happened:?} and {owed:?} was not told")
                })
            }
            _ => Ok(()),
        }
    }
}

/// Reports eject and readmit as the rules say: never the last ready node of a partition, and for 1 s to
/// 60 s.
#[derive(Debug)]
pub struct Ejections;

impl Law for Ejections {
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken> {
        let Happened::Reported {
            report,
            change,
            expected,
            aside,
            expected_aside,
        } = happened
        else {
            return Ok(());
        };
        ensure(change == expected && aside == expected_aside, || {
            format!("{happened:?}")
        })?;
        let bounds = Duration::from_secs(1)..=Duration::from_secs(60);
        ensure(aside.is_none_or(|aside| bounds.contains(&aside)), || {
            format!("{happened:?}")
        })?;
        if *change == Some(HealthChange::Ejected) {
            let mut served =
                (0..world.numbers.len()).filter(|one| world.model.serves(report.node(), *one));
            ensure(served.all(|one| !world.model.ready(one).is_empty()), || {
                format!("{report:?} leaves nobody ready")
            })?;
        }
        Ok(())
    }
}
