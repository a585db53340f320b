//! Sequences of operations on a fleet and its requests, under the laws of the simulation.

#![no_main]

#[path = "../../tests/simulation/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the scenarios are not fuzzed")]
mod simulation;

libfuzzer_sys::fuzz_target!(|data: &[u8]| simulation::replay(data));
