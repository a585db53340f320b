//! One request at a time, stepped through a small fleet of scripted nodes.

mod last_trials;
mod limits;
mod probes;
mod rounds;
mod trials;
mod verdicts;
mod world;
