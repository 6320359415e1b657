//! What cannot be taken back is said twice.

use std::io::{self, IsTerminal};

use crate::{failure::Failure, output::Notes};

/// Whether somebody types the name again of what is removed with all that it has. Where nobody can be asked, it was to be said on the command line.
pub fn confirmed(notes: &Notes, name: &str, sort: &str, with: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let unasked = format!("Removing {sort} removes {with}. Where nobody can be asked, say --yes.");
        return Err(Failure::Usage(unasked));
    }
    notes.warn(&format!("this removes {name} and all {with}; there is no way back. Type its name again:"));
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).map_err(Failure::local("standard input"))?;
    Ok(typed.trim() == name)
}
