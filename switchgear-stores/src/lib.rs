//! switchgear-stores
