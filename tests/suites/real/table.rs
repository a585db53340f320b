//! The table of results.

use std::{fs::OpenOptions, io::Write, path::Path};

use crate::is_long;

/// Prints a row: which law, what was done, what was measured, what must hold and whether it does. In the whole size it
/// is kept beside what is built, where the page of results is made from it.
#[expect(
    clippy::print_stdout,
    reason = "the table of results is there to be read"
)]
pub(crate) fn row(
    law: &str,
    what: &str,
    figures: &str,
    target: &str,
    pass: bool,
) -> anyhow::Result<()> {
    let cells = [law, what, figures, target, if pass { "yes" } else { "no" }];
    println!("| {} |", cells.join(" | "));
    if !is_long() {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::fs::create_dir_all(&folder)?;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("faults.csv"))?;
    let cells = cells.map(|cell| cell.replace([';', '\n'], ","));
    // In one write, since tests may run side by side.
    file.write_all(format!("{}\n", cells.join(";")).as_bytes())?;
    Ok(())
}
