//! How fast switchgear is: benches over the crates of this workspace.
