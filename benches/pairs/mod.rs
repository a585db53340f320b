//! Wall-clock compared in pairs, for machines that are shared and noisy.
//!
//! A duration measured there says little; the ratio of two that were taken within milliseconds of
//! each other says much more. So both sides run in one process, a sample of one next to a sample of
//! the other, and the side that begins a pair is drawn. Each pair gives one ratio; a [`Report`]
//! states their median with its bootstrap interval, and a claim holds when the whole interval does,
//! not only its middle. A [`Target::Same`] line, which measures one side against itself, comes first:
//! it shows the noise.
//!
//! ```
//! use std::{hint::black_box, process::ExitCode, time::Duration};
//!
//! use switchgear_benches::pairs::{Pair, Plan, Report, Side, Target};
//!
//! fn sum(to: u64) -> u64 {
//!     (0..black_box(to)).fold(0, |sum, value| sum ^ black_box(value))
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let plan = Plan { pairs: 5, sample: Duration::from_micros(200), ..Plan::default() };
//! let mut report = Report::new(std::io::stdout(), plan, "short", "long")?;
//! let pair = Pair::new(Side::new(|| sum(100)), Side::new(|| sum(100_000)));
//! report.measure("sum", Target::AtMost(0.2), pair)?;
//! assert_eq!(report.exit_code(), ExitCode::SUCCESS);
//! # Ok(())
//! # }
//! ```

mod pair;
mod report;
mod side;
mod statistics;
mod target;

pub use pair::{Pair, Plan, Sample};
pub use report::Report;
pub use side::Side;
pub use statistics::{Estimate, median};
pub use target::Target;
