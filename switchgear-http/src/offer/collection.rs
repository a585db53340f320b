//! The operations on records of either kind, one for each method.

use std::error::Error;

use http::{Response, StatusCode, header, request::Parts};
use switchgear_core::{
    Partition,
    store::{StoreErrorKind, Written},
};
use uuid::Uuid;

use super::{
    api::Verb,
    paging,
    shelf::{Record, Shelf},
};
use crate::{
    body::Body,
    problem::Problem,
    rest::{self, Located, audited},
};

/// Does what is asked of the records on a shelf; `segments` are those of the path.
pub(super) async fn answer<R, S, B>(
    shelf: &S,
    verb: Verb,
    [partition, id]: [&str; 2],
    max_page_size: usize,
    head: &Parts,
    body: B,
) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let key = || key(partition, id).ok_or_else(|| rest::no_record(R::NOUN));
    match verb {
        Verb::Post => post(shelf, head, body).await,
        Verb::List => list(shelf, head, partition, max_page_size).await,
        Verb::Get => get(shelf, key()?).await,
        Verb::Put => put(shelf, head, key()?, body).await,
        Verb::Delete => delete(shelf, head, key()?).await,
    }
}

/// POST of a record with its key inside.
async fn post<R, S, B>(shelf: &S, head: &Parts, body: B) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut object = rest::object(&head.headers, body).await?;
    rest::ignore_location(&mut object);
    let record: R = rest::decode(object)?;
    let location = location_of(&record);
    let what = format!("post {} {location}", R::NOUN);
    match audited(head, what, shelf.post(record)).await {
        Ok(()) => Ok(rest::created(&location)),
        Err(error) if error.kind() == StoreErrorKind::Conflict => {
            Err(Problem::from(error).with_header(header::LOCATION, rest::location_value(&location)))
        }
        Err(error) => Err(error.into()),
    }
}

/// GET of a page.
async fn list<R, S>(
    shelf: &S,
    head: &Parts,
    partition: &str,
    max_page_size: usize,
) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
{
    let partition = Partition::try_new(partition).map_err(|_| no_partition())?;
    let page = paging::page(head.uri.query(), max_page_size)?;
    let records = shelf.page(&partition, page).await?;
    let records: Vec<_> = records.into_iter().map(located).collect();
    Ok(rest::fresh(&records))
}

async fn get<R, S>(shelf: &S, (partition, id): (Partition, Uuid)) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
{
    match shelf.get(&partition, id).await? {
        Some(record) => Ok(rest::fresh(&located(record))),
        None => Err(rest::no_record(R::NOUN)),
    }
}

async fn put<R, S, B>(
    shelf: &S,
    head: &Parts,
    (partition, id): (Partition, Uuid),
    body: B,
) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let location = location(&partition, id);
    let mut object = rest::object(&head.headers, body).await?;
    rest::settle_key(&mut object, "partition", &partition)?;
    rest::settle_key(&mut object, "id", &id)?;
    rest::settle_location(&mut object, |text| {
        text.split_once('/')
            .and_then(|(name, uuid)| key(name, uuid))
            == Some((partition, id))
    })?;
    let record: R = rest::decode(object)?;
    let what = format!("put {} {location}", R::NOUN);
    match audited(head, what, shelf.put(record)).await? {
        Written::Created => Ok(rest::created(&location)),
        Written::Updated => Ok(rest::done()),
    }
}

async fn delete<R, S>(
    shelf: &S,
    head: &Parts,
    (partition, id): (Partition, Uuid),
) -> Result<Response<Body>, Problem>
where
    R: Record,
    S: Shelf<R> + ?Sized,
{
    let what = format!("delete {} {partition}/{id}", R::NOUN);
    audited(head, what, shelf.delete(&partition, id)).await?;
    Ok(rest::done())
}

/// No partition has such a name.
fn no_partition() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).with_detail("there is no such partition")
}

/// The key that a path or a location says.
fn key(partition: &str, id: &str) -> Option<(Partition, Uuid)> {
    Some((Partition::try_new(partition).ok()?, rest::uuid(id)?))
}

fn located<R: Record>(record: R) -> Located<R> {
    Located {
        location: location_of(&record),
        record,
    }
}

fn location_of(record: &impl Record) -> String {
    let (partition, id) = record.key();
    location(partition, id)
}

fn location(partition: &Partition, id: Uuid) -> String {
    format!("{partition}/{id}")
}
