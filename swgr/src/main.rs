//! swgr
fn main() {}
