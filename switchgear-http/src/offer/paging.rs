use std::borrow::Cow;

use http::StatusCode;
use switchgear_core::store::{Page, PageStart};

use crate::{problem::Problem, rest};

/// Reads `start` or `after`, and `count`. All else in a query is ignored.
pub(super) fn page(query: Option<&str>, max: usize) -> Result<Page, Problem> {
    let query = query.unwrap_or_default();
    let start = once(query, "start")?;
    let after = once(query, "after")?;
    let start = match (start, after) {
        (Some(_), Some(_)) => return Err(invalid("start and after exclude each other")),
        (None, None) => PageStart::Offset(0),
        (Some(start), None) => PageStart::Offset(offset(&start)?),
        (None, Some(after)) => PageStart::After(
            rest::uuid(&after).ok_or_else(|| invalid("after: must be the id of a record"))?,
        ),
    };
    let count = match once(query, "count")? {
        Some(count) => number(&count, "count")?,
        None => max,
    };
    if count > max {
        return Err(invalid(format!("count: must be at most {max}")));
    }
    Ok(Page { start, count })
}

/// An offset that every database's signed integer holds.
fn offset(text: &str) -> Result<u64, Problem> {
    number::<i64>(text, "start").map(i64::unsigned_abs)
}

fn number<N: std::str::FromStr>(text: &str, field: &str) -> Result<N, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| invalid(format!("{field}: must be a whole number")))
}

fn once<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Problem> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(invalid(format!("{name}: must be given once")));
    }
    Ok(value)
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_keys_and_lengths() {
        let id = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";
        let read = |query| page(query, 10).unwrap();
        let first = Page {
            start: PageStart::Offset(0),
            count: 10,
        };
        assert_eq!(read(None), first);
        assert_eq!(read(Some("x=1&y")), first);
        assert_eq!(read(Some("count=0")), Page { count: 0, ..first });
        assert_eq!(
            read(Some("start=3&count=10")),
            Page {
                start: PageStart::Offset(3),
                count: 10
            }
        );
        assert_eq!(
            read(Some(&format!("after={id}"))).start,
            PageStart::After(id.parse().unwrap())
        );
    }

    #[test]
    fn refuses_what_is_no_page() {
        for query in [
            "count=11",
            "count=",
            "count=-1",
            "count=%2B1",
            "count=1&count=1",
            "start=x",
            "start=1.0",
            "start=9223372036854775808",
            "after=x",
            "start=0&after=6a38ebdd-83ef-4b94-b843-3b18cd90a833",
        ] {
            let problem = page(Some(query), 10).unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{query}");
        }
    }
}
