//! What must hold after each step, whatever came before.

mod asking;
mod bounds;
mod fleet;
mod rounds;
mod telling;

use std::fmt;

use super::{happened::Happened, world::World};

/// One law.
pub trait Law: fmt::Debug {
    /// Judges a step that has just been made.
    fn check(&mut self, world: &World, happened: &Happened) -> Result<(), Broken>;
}

/// What broke a law.
#[derive(Debug)]
pub struct Broken(pub String);

/// All of them.
pub fn all() -> Vec<Box<dyn Law>> {
    vec![
        Box::new(asking::OpenAndServing),
        Box::new(asking::OncePerRound),
        Box::new(asking::SideBySide),
        Box::new(asking::AttemptLimit),
        Box::new(asking::RangeOrder),
        Box::new(asking::OneTrial),
        Box::new(bounds::Deadline),
        Box::new(bounds::InFlight::default()),
        Box::new(bounds::Publications::default()),
        Box::new(bounds::Refreshes::default()),
        Box::new(rounds::NeverSkips),
        Box::new(rounds::NeverIdles),
        Box::new(rounds::TriesBeforeGivingUp),
        Box::new(rounds::AsksAllBeforeGivingUp),
        Box::new(rounds::RestsBetweenRounds),
        Box::new(telling::Reports),
        Box::new(telling::Ejections),
        Box::new(fleet::TellsWhatChanged),
        Box::new(fleet::ViewIsModel::default()),
        Box::new(fleet::CandidatesInOrder::default()),
    ]
}

/// A law's condition.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(otherwise()))
    }
}
