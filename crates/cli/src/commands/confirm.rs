//! What cannot be taken back is said twice.

use std::io::{self, IsTerminal};

use crate::{failure::Failure, output::Notes};

/// Whether somebody types the name again of what is removed with all that it has.
pub fn confirmed(notes: &Notes, name: &str, sort: &str, with: &str) -> Result<bool, Failure> {
    let warning = format!("this removes {name} and all {with}; there is no way back");
    said_again(notes, name, &warning, &format!("Removing {sort} removes {with}."))
}

/// Whether somebody types the name again after this warning. Where nobody can be asked, it was to be said on the command line.
pub fn said_again(notes: &Notes, name: &str, warning: &str, unasked: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{unasked} Where nobody can be asked, say --yes.")));
    }
    notes.warn(&format!("{warning}. Type its name again:"));
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).map_err(Failure::local("standard input"))?;
    Ok(typed.trim() == name)
}
