/// How an [`OfferService`](super::OfferService) lists records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferConfig {
    /// The longest page, and the length of one when a request names none.
    pub max_page_size: usize,
}
