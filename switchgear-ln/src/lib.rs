//! switchgear-ln
