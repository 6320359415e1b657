//! What is said beside the result, on standard error.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::table::printable;
use crate::api::Trouble;

/// Progress, advice and warnings. Scripts read none of it.
#[derive(Debug, Clone, Copy)]
pub struct Notes {
    pub quiet: bool,
    pub verbose: bool,
    pub coloured: bool,
}

impl Notes {
    /// For those who watch.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            say(&printable(text));
        }
    }

    /// For those who asked for it.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            say(&printable(text));
        }
    }

    /// For everybody.
    pub fn warn(&self, text: &str) {
        say(&format!("{}: {}", self.painted("warning", "33"), printable(text)));
    }

    /// Why a command came to nothing.
    pub fn error(&self, lines: &[String]) {
        let lines: Vec<_> = lines.iter().map(|line| printable(line)).collect();
        say(&format!("{}: {}", self.painted("error", "31"), lines.join("\n")));
    }

    /// That a request is repeated, and why.
    pub fn retrying(&self, trouble: &Trouble, pause: Duration) {
        self.note(&format!("{}; again in {:.1} s", trouble.line(), pause.as_secs_f64()));
    }

    fn painted(&self, word: &str, colour: &str) -> String {
        if self.coloured { format!("\x1b[1;{colour}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// Whoever closed standard error does not want to know.
fn say(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
