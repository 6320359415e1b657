//! Knows on one connection when something was committed. Pure: messages in, a verdict out.

use std::collections::HashMap;

use bytes::Bytes;

/// What was asked on a connection and is not answered yet.
#[derive(Default)]
pub struct Watch {
    /// Whether a prepared statement, by its name, changes anything.
    prepared: HashMap<Bytes, bool>,
    /// Something was changed since the last time that no transaction was open.
    changed: bool,
    failed: bool,
}

impl Watch {
    /// Takes a message of the client.
    pub fn asked(&mut self, frame: &Bytes) {
        let body = frame.slice(5..);
        match frame.first() {
            // Parse: the statement's name and its text.
            Some(b'P') => {
                let name = text(&body, 0);
                let changes = changes(&text(&body, name.len() + 1));
                self.prepared.insert(name, changes);
            }
            // Bind: the portal's name and the statement's.
            Some(b'B') => {
                let portal = text(&body, 0);
                let statement = text(&body, portal.len() + 1);
                self.changed |= self.prepared.get(&statement).copied().unwrap_or(false);
            }
            Some(b'Q') => self.changed |= changes(&text(&body, 0)),
            _ => {}
        }
    }

    /// Takes a message of the server; `true` when it says that something was committed.
    pub fn answered(&mut self, frame: &Bytes) -> bool {
        match (frame.first(), frame.get(5)) {
            (Some(b'E'), _) => {
                self.failed = true;
                false
            }
            (Some(b'C'), _) if frame.get(5..).is_some_and(|tag| tag.starts_with(b"ROLLBACK")) => {
                self.failed = true;
                false
            }
            // Ready, and in no transaction.
            (Some(b'Z'), Some(b'I')) => {
                let committed = self.changed && !self.failed;
                (self.changed, self.failed) = (false, false);
                committed
            }
            _ => false,
        }
    }
}

/// The text that begins here and ends with a zero.
fn text(body: &Bytes, begin: usize) -> Bytes {
    let rest = body.slice(begin.min(body.len())..);
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    rest.slice(..end)
}

fn changes(statement: &Bytes) -> bool {
    let statement = String::from_utf8_lossy(statement).to_ascii_lowercase();
    ["insert into ", "update ", "delete from "].iter().any(|verb| statement.contains(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(letter: u8, body: &[u8]) -> Bytes {
        let length = (body.len() as u32 + 4).to_be_bytes();
        [&[letter][..], &length, body].concat().into()
    }

    fn idle() -> Bytes {
        frame(b'Z', b"I")
    }

    #[test]
    fn a_prepared_statement_commits_each_time_it_is_bound_and_not_when_it_is_prepared() {
        let mut watch = Watch::default();
        watch.asked(&frame(b'P', b"s1\0update operations set x = 1\0\0\0"));
        assert!(!watch.answered(&idle()));
        for _ in 0..2 {
            watch.asked(&frame(b'B', b"\0s1\0\0\0"));
            assert!(watch.answered(&idle()));
            assert!(!watch.answered(&idle()));
        }
    }

    #[test]
    fn within_a_transaction_only_its_end_commits() {
        let mut watch = Watch::default();
        watch.asked(&frame(b'Q', b"INSERT INTO t VALUES (1)\0"));
        assert!(!watch.answered(&frame(b'Z', b"T")));
        watch.asked(&frame(b'Q', b"COMMIT\0"));
        assert!(watch.answered(&idle()));
    }

    #[test]
    fn what_failed_was_rolled_back_or_only_looked_commits_nothing() {
        for (asked, answer) in [
            (&b"update t set x = 1\0"[..], frame(b'E', b"SERROR\0\0")),
            (b"update t set x = 1\0", frame(b'C', b"ROLLBACK\0")),
            (b"select 1\0", frame(b'C', b"SELECT 1\0")),
        ] {
            let mut watch = Watch::default();
            watch.asked(&frame(b'Q', asked));
            watch.answered(&answer);
            assert!(!watch.answered(&idle()));
        }
    }
}
