//! Programs run in containers that run.

use std::time::Duration;

use crate::error::ContainerError;

/// A program to run beside a container's own, as the same user and as confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments: no shell reads them. Whoever may look at the engine sees them, so nothing secret.
    pub argv: Vec<String>,
    /// How long it is waited for. An engine cannot end what it began: a program that takes longer goes on by itself, within its container's
    /// limits, until it or the container ends.
    pub within: Duration,
    /// So much of what it writes is kept, in bytes, both streams together; the rest is read and dropped.
    pub bytes: usize,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    pub exit_code: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Whether it wrote more than was kept.
    pub truncated: bool,
}

impl Exec {
    pub(crate) fn check(&self, container: &str) -> Result<(), ContainerError> {
        let named = self.argv.first().is_some_and(|program| !program.is_empty());
        if named && self.argv.iter().all(|part| !part.contains('\0')) && !self.within.is_zero() {
            return Ok(());
        }
        Err(ContainerError::invalid(container, "a program needs a name, plain arguments and some time"))
    }
}

/// What is being written, within its bound.
pub(crate) struct Output {
    left: usize,
    kept: Executed,
}

impl Output {
    pub(crate) fn within(bytes: usize) -> Self {
        Self { left: bytes, kept: Executed::default() }
    }

    pub(crate) fn stdout(&mut self, piece: &[u8]) {
        let piece = self.fitting(piece);
        self.kept.stdout.extend_from_slice(piece);
    }

    pub(crate) fn stderr(&mut self, piece: &[u8]) {
        let piece = self.fitting(piece);
        self.kept.stderr.extend_from_slice(piece);
    }

    fn fitting<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        let fits = piece.len().min(self.left);
        self.left -= fits;
        self.kept.truncated |= fits < piece.len();
        piece.get(..fits).unwrap_or_default()
    }

    pub(crate) fn ended(self, exit_code: i64) -> Executed {
        Executed { exit_code, ..self.kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_share_one_bound() {
        let mut output = Output::within(5);
        output.stdout(b"abc");
        output.stderr(b"de");
        let kept = Executed { exit_code: 3, stdout: b"abc".into(), stderr: b"de".into(), truncated: false };
        assert_eq!(output.ended(3), kept);
        let mut output = Output::within(5);
        output.stderr(b"abcd");
        output.stdout(b"efg");
        output.stdout(b"h");
        let kept = Executed { exit_code: 0, stdout: b"e".into(), stderr: b"abcd".into(), truncated: true };
        assert_eq!(output.ended(0), kept);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let exec = |argv: &[&str], within| {
            let argv = argv.iter().map(|part| (*part).to_owned()).collect();
            Exec { argv, within: Duration::from_secs(within), bytes: 0 }.check("x").is_ok()
        };
        assert!(exec(&["true", ""], 1));
        assert!(!exec(&[], 1) && !exec(&[""], 1) && !exec(&["a", "\0"], 1) && !exec(&["true"], 0));
    }
}
