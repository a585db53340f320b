//! switchgear-http
