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

/// What was read, the oldest line first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    pub lines: Vec<LogLine>,
    /// There were more that were wanted, older than these.
    pub truncated: bool,
}

/// The last lines of what is being read, within the bounds of a query.
pub(crate) struct Tail {
    query: LogQuery,
    lines: VecDeque<LogLine>,
    bytes: usize,
    truncated: bool,
}

impl Tail {
    pub(crate) fn new(query: LogQuery) -> Self {
        Self { query, lines: VecDeque::new(), bytes: 0, truncated: false }
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
            self.truncated = true;
        }
    }

    pub(crate) fn into_logs(self) -> Logs {
        Logs { lines: self.lines.into(), truncated: self.truncated }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn told(query: LogQuery, texts: &[&str]) -> (Vec<String>, bool) {
        let mut tail = Tail::new(query);
        for (second, text) in (0..).zip(texts) {
            let at = datetime!(2026-08-01 12:00 UTC) + time::Duration::seconds(second);
            tail.push(LogLine { at, stream: LogStream::Stdout, text: (*text).to_owned() });
        }
        let Logs { lines, truncated } = tail.into_logs();
        (lines.into_iter().map(|line| line.text).collect(), truncated)
    }

    #[test]
    fn the_newest_lines_stay_within_every_bound() {
        let query = LogQuery { tail: 3, after: None, bytes: 10 };
        let all = |texts: &[&str]| (texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), false);
        let cut = |texts: &[&str]| (all(texts).0, true);
        assert_eq!(told(query, &["a", "b", "c", "d"]), cut(&["b", "c", "d"]));
        assert_eq!(told(query, &["aaaa", "bbbb", "cccc"]), cut(&["bbbb", "cccc"]));
        assert_eq!(told(query, &["a", &"ü".repeat(6)]), cut(&["ü".repeat(5).as_str()]));
        assert_eq!(told(query, &["a", "b", "c"]), all(&["a", "b", "c"]));
        let after = Some(datetime!(2026-08-01 12:00:01 UTC));
        assert_eq!(
            told(LogQuery { after, ..query }, &["a", "b", "c"]),
            all(&["c"]),
            "what is older is not missed"
        );
        assert_eq!(told(LogQuery { tail: 0, ..query }, &["a"]), cut(&[]));
    }
}
