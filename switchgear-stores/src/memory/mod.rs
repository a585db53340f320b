//! Stores in this process's memory: for tests, for demonstrations, and for whoever fills them anew
//! at each start.

mod discovery;
mod offers;
mod sequenced;

pub use self::{discovery::MemoryDiscoveryStore, offers::MemoryOfferStore};
