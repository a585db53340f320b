//! swgr
