//! What containers wrote.

use std::collections::VecDeque;

use time::OffsetDateTime;

/// Which lines are wanted: the last so many of those that are newer than `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery {
    pub tail: u16,
    pub after: Option<OffsetDateTime>,
    /// Of text, all lines together. The oldest lines give way.
    pub bytes: usize,
}

/// One line that a container wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: OffsetDateTime,
    pub stream: LogStream,
    pub text: String,
}

/// Where a container wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    Stdout,
    Stderr,
}

/// The last lines of what is being read, within the bounds of a query.
pub(crate) struct Tail {
    query: LogQuery,
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn new(query: LogQuery) -> Self {
        Self { query, lines: VecDeque::new(), bytes: 0 }
    }

    /// Takes one more line, or a part of one, and lets go of what is too much for it.
    pub(crate) fn push(&mut self, mut line: LogLine) {
        if self.query.after.is_some_and(|after| line.at <= after) {
            return;
        }
        line.text.truncate(line.text.floor_char_boundary(self.query.bytes));
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > self.query.tail.into() || self.bytes > self.query.bytes {
            let gone = self.lines.pop_front().map_or(0, |line| line.text.len());
            self.bytes -= gone;
        }
    }

    pub(crate) fn into_lines(self) -> Vec<LogLine> {
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn told(query: LogQuery, texts: &[&str]) -> Vec<String> {
        let mut tail = Tail::new(query);
        for (second, text) in (0..).zip(texts) {
            let at = datetime!(2026-08-01 12:00 UTC) + time::Duration::seconds(second);
            tail.push(LogLine { at, stream: LogStream::Stdout, text: (*text).to_owned() });
        }
        tail.into_lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn the_newest_lines_stay_within_every_bound() {
        let query = LogQuery { tail: 3, after: None, bytes: 10 };
        assert_eq!(told(query, &["a", "b", "c", "d"]), ["b", "c", "d"]);
        assert_eq!(told(query, &["aaaa", "bbbb", "cccc"]), ["bbbb", "cccc"]);
        assert_eq!(told(query, &["a", &"ü".repeat(6)]), ["ü".repeat(5)]);
        let after = Some(datetime!(2026-08-01 12:00:01 UTC));
        assert_eq!(told(LogQuery { after, ..query }, &["a", "b", "c"]), ["c"]);
        assert!(told(LogQuery { tail: 0, ..query }, &["a"]).is_empty());
    }
}
