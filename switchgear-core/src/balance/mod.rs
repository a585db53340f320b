//! Balancing: which node is asked next.
