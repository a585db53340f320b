//! From what discovery knows of a node to a client of it.

mod connector;
mod unsupported;

pub use self::connector::{Connector, NodeConnector, NodeConnectorConfig};
