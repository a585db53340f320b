use std::borrow::Cow;

use switchgear_core::{
    InvalidValue, Millisatoshi,
    lnurl::{Comment, CommentLimit, parse_amount},
    offer::SendableRange,
};

/// A query string, decoded as form data, in which each parameter that matters stands at most once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(super) fn new(text: Option<&'a str>) -> Self {
        Self(text.unwrap_or_default())
    }

    /// The amount, exactly once and within `range`.
    pub(super) fn amount(self, range: SendableRange) -> Result<Millisatoshi, InvalidValue> {
        let text = self
            .once("amount")?
            .ok_or_else(|| InvalidValue::new("amount", "is missing"))?;
        parse_amount(&text, range)
    }

    /// The comment, at most once; while comments are off there is none, whatever was sent.
    pub(super) fn comment(
        self,
        limit: Option<CommentLimit>,
    ) -> Result<Option<Comment>, InvalidValue> {
        let Some(limit) = limit else { return Ok(None) };
        let Some(text) = self.once("comment")? else {
            return Ok(None);
        };
        Comment::try_new(&text, limit)
    }

    /// A parameter that may be left out.
    pub(super) fn once(self, name: &'static str) -> Result<Option<Cow<'a, str>>, InvalidValue> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(InvalidValue::new(name, "must be given once"));
        }
        Ok(value)
    }

    fn all(self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        form_urlencoded::parse(self.0.as_bytes())
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }
}
