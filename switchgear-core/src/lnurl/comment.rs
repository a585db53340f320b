//! LUD-12: a comment with the payment. <https://github.com/lnurl/luds/blob/luds/12.md>

use std::num::NonZeroU32;

use crate::invalid::InvalidValue;

/// The longest comment that is accepted, in characters (`commentAllowed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentLimit(NonZeroU32);

impl CommentLimit {
    /// At most `characters`; `None` for zero, which means that comments are off.
    pub fn new(characters: u32) -> Option<Self> {
        NonZeroU32::new(characters).map(Self)
    }

    /// The limit in characters.
    pub fn characters(self) -> u32 {
        self.0.get()
    }
}

/// A payer's comment, not empty and within its limit. Its bytes are the key of consistent hashing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// Checks a comment; an empty one is none.
    ///
    /// # Errors
    /// When it has more characters (Unicode scalar values) than `limit`.
    pub fn try_new(text: &str, limit: CommentLimit) -> Result<Option<Self>, InvalidValue> {
        let allowed = limit.characters();
        if text.chars().count() > usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Err(InvalidValue::new(
                "comment",
                format!("must be at most {allowed} characters"),
            ));
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_of_every_width() {
        let limit = CommentLimit::new(4).unwrap();
        for text in ["abcd", "äöüß", "€€€€", "🦀🦀🦀🦀", "e\u{301}e\u{301}"] {
            assert_eq!(
                Comment::try_new(text, limit).unwrap().unwrap().as_str(),
                text
            );
            let longer = format!("{text}x");
            assert_eq!(
                Comment::try_new(&longer, limit).unwrap_err().field(),
                "comment"
            );
        }
    }

    #[test]
    fn takes_an_empty_comment_for_none() {
        assert_eq!(
            Comment::try_new("", CommentLimit::new(1).unwrap()),
            Ok(None)
        );
        assert_eq!(CommentLimit::new(0), None);
    }
}
