/// Why the headers of a trusted proxy are refused. Its text is fit for a payer, and repeats nothing
/// that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardedError {
    /// A header does not say what it should.
    #[error("the {0} header of the proxy in front is malformed")]
    Malformed(&'static str),
    /// A header, or one of its parameters, says several things.
    #[error("the {0} header of the proxy in front says several things at once")]
    Ambiguous(&'static str),
    /// `Forwarded` and the `X-Forwarded-…` headers say different things, or one what the other does not.
    #[error(
        "the Forwarded and X-Forwarded headers of the proxy in front do not say the same, it must set both alike or remove one kind"
    )]
    Disagreeing,
}
