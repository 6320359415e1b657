//! How a command ends, for scripts.

use std::process::ExitCode;

/// The end of a command. The numbers are a contract, told by `--help` and in `docs/rp9.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is so.
    Done = 0,
    /// Something else: what cannot be read or written on this machine.
    Failed = 1,
    /// What was typed, or a profile, does not say what is needed. `clap` ends with the same.
    Usage = 2,
    /// The API will not, however often it is asked.
    Refused = 3,
    /// Nobody answered, or only that it is not the time.
    Unreachable = 4,
    /// The operation was undone, and everything is as before.
    RolledBack = 5,
    /// The operation waits for a person.
    Stuck = 6,
    /// Somebody gave the operation up where it was.
    Abandoned = 7,
    /// The answer came, and it says that something is wrong.
    Unwell = 8,
    /// Ctrl-C. What was accepted goes on.
    Interrupted = 130,
}

/// For the end of `--help` and of the manual.
pub const TABLE: &str = "\
Exit codes:
  0  done; an operation that was followed has ended as asked
  1  something on this machine went wrong
  2  the command line or the profile does not say what is needed
  3  the API refused
  4  nobody answered, or the API was too busy, for as long as --patience
  5  the operation was rolled back
  6  the operation is stuck and waits for a person
  7  the operation was abandoned
  8  what was looked at is not well (health, audit verify)
  130  interrupted; what was accepted goes on";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_under_its_number() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Refused,
            Exit::Unreachable,
            Exit::RolledBack,
            Exit::Stuck,
            Exit::Abandoned,
            Exit::Unwell,
            Exit::Interrupted,
        ];
        let listed: Vec<_> =
            TABLE.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(listed, all.map(|exit| (exit as u8).to_string()));
    }
}
