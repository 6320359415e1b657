//! The form in which one member of a shared n8n is copied: a script that `psql` runs, and that is read here again. A statement is on one line; the rows of a
//! table stand between `COPY … FROM stdin;` and `\.`, as PostgreSQL writes them, so that nothing in them is a statement.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;

use super::{CopyError, Stream};
use crate::databases::identifier;

/// What the last line says. Without it something is missing.
pub(super) const END: &str = "COMMIT;";
/// What ends a table's rows.
pub(super) const END_OF_ROWS: &[u8] = b"\\.\n";

/// More than the names of all columns of a table take.
const LONGEST_STATEMENT: usize = 1 << 20;
/// Read at once.
const PART: usize = 64 << 10;

/// A part of a script.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// One that rows do not follow.
    Statement(String),
    /// One whose rows follow.
    Copy(String),
    /// Whole rows, or a part of one; so many of them end in it.
    Rows(Bytes, u64),
    EndOfRows,
}

/// A script that is read, however long its rows are.
pub struct Script {
    source: Stream,
    held: BytesMut,
    within: bool,
    at_beginning_of_row: bool,
    committed: bool,
}

impl Script {
    pub fn new(source: Stream) -> Self {
        let held = BytesMut::with_capacity(PART);
        Self { source, held, within: false, at_beginning_of_row: true, committed: false }
    }

    /// What comes next; `None` at its end. Fails where it ends before that, or is no script.
    pub async fn next(&mut self) -> Result<Option<Piece>, CopyError> {
        if self.within { self.rows().await.map(Some) } else { self.statement().await }
    }

    async fn statement(&mut self) -> Result<Option<Piece>, CopyError> {
        let mut looked = 0;
        let end = loop {
            let found = self.held.iter().skip(looked).position(|byte| *byte == b'\n');
            if let Some(found) = found {
                break looked + found;
            }
            looked = self.held.len();
            if looked > LONGEST_STATEMENT {
                return Err(not_whole("it has a line that is too long"));
            }
            if !self.more().await? {
                return if looked == 0 && self.committed {
                    Ok(None)
                } else {
                    Err(not_whole("it ends too early"))
                };
            }
        };
        let line = self.held.split_to(end);
        self.held.advance(1);
        let line = String::from_utf8(line.to_vec()).map_err(|_| not_whole("it is no text"))?;
        if self.committed {
            return Err(not_whole("it goes on behind its end"));
        }
        self.committed = line == END;
        self.within = line.starts_with("COPY ") && line.ends_with(" FROM stdin;");
        self.at_beginning_of_row = true;
        Ok(Some(if self.within { Piece::Copy(line) } else { Piece::Statement(line) }))
    }

    async fn rows(&mut self) -> Result<Piece, CopyError> {
        while self.held.len() < END_OF_ROWS.len() {
            if !self.more().await? {
                return Err(not_whole("it ends within a table"));
            }
        }
        if self.at_beginning_of_row && self.held.starts_with(END_OF_ROWS) {
            self.held.advance(END_OF_ROWS.len());
            self.within = false;
            return Ok(Piece::EndOfRows);
        }
        let (mut end, mut rows) = (0, 0);
        while let Some(rest) = self.held.get(end..)
            && !(rest.starts_with(END_OF_ROWS) && (end > 0 || self.at_beginning_of_row))
            && let Some(found) = rest.iter().position(|byte| *byte == b'\n')
        {
            (end, rows) = (end + found + 1, rows + 1);
        }
        self.at_beginning_of_row = end > 0;
        let end = if end > 0 { end } else { self.held.len() };
        Ok(Piece::Rows(self.held.split_to(end).freeze(), rows))
    }

    /// Whether there was more.
    async fn more(&mut self) -> Result<bool, CopyError> {
        self.held.reserve(PART);
        let read = self.source.read_buf(&mut self.held).await.map_err(CopyError::Source)?;
        Ok(read > 0)
    }
}

/// How many rows of which of n8n's tables a script has. Reads all of it, and fails for what is none, or not a whole one.
pub async fn rows(source: Stream) -> Result<BTreeMap<String, u64>, CopyError> {
    let (mut script, mut all, mut table) = (Script::new(source), BTreeMap::new(), None);
    while let Some(piece) = script.next().await? {
        match piece {
            Piece::Copy(statement) => {
                table = table_of(&statement);
                if let Some(table) = &table
                    && all.insert(table.clone(), 0).is_some()
                {
                    return Err(not_whole("it has a table twice"));
                }
            }
            Piece::Rows(_, rows) => {
                if let Some(all) = table.as_ref().and_then(|table| all.get_mut(table)) {
                    *all += rows;
                }
            }
            Piece::EndOfRows => table = None,
            Piece::Statement(_) => {}
        }
    }
    Ok(all)
}

/// What is written before a table's rows; `columns` are names as SQL has them.
pub(super) fn copy(table: &str, columns: &[String]) -> String {
    format!("COPY public.{} ({}) FROM stdin;\n", identifier(table), columns.join(", "))
}

/// Which of n8n's tables rows follow of.
pub fn table_of(statement: &str) -> Option<String> {
    let quoted = statement.strip_prefix("COPY public.\"")?;
    let (name, _) = quoted.split_once("\" (")?;
    Some(name.replace("\"\"", "\""))
}

fn not_whole(why: &str) -> CopyError {
    CopyError::NotWhole(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn stream(text: &str) -> Stream {
        Box::pin(Cursor::new(text.as_bytes().to_vec()))
    }

    /// One that gives so few bytes at a time.
    fn slowly(text: &str, at_once: usize) -> Stream {
        let parts: Vec<_> = text
            .as_bytes()
            .chunks(at_once)
            .map(|part| Ok::<_, std::io::Error>(Bytes::copy_from_slice(part)))
            .collect();
        Box::pin(tokio_util::io::StreamReader::new(futures::stream::iter(parts)))
    }

    const TEXT: &str = "BEGIN;\nCOPY public.\"a\" (\"x\") FROM stdin;\n1\n\\\\.\n\\.x\nCOMMIT;\n\\.\nCOPY public.\"b\"\"c\" (\"x\", \"y\") FROM stdin;\n\\.\nCOMMIT;\n";

    #[tokio::test]
    async fn rows_are_counted_however_they_come_and_whatever_they_look_like() {
        let expected = BTreeMap::from([("a".to_owned(), 4), ("b\"c".to_owned(), 0)]);
        assert_eq!(rows(stream(TEXT)).await.unwrap(), expected);
        for at_once in 1..20 {
            assert_eq!(rows(slowly(TEXT, at_once)).await.unwrap(), expected, "{at_once}");
        }
    }

    #[tokio::test]
    async fn what_ends_too_early_or_goes_on_is_not_whole() {
        for end in 0..TEXT.len() - 1 {
            assert!(matches!(rows(stream(&TEXT[..end])).await, Err(CopyError::NotWhole(_))), "{end}");
        }
        for more in ["x", "x\n", "COMMIT;\n"] {
            rows(stream(&format!("{TEXT}{more}"))).await.unwrap_err();
        }
        let twice = TEXT.replace("\"b\"\"c\"", "\"a\"");
        rows(stream(&twice)).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_row_may_be_larger_than_what_is_held() {
        let row = "x".repeat(5 * PART);
        let text = format!("COPY public.\"a\" (\"x\") FROM stdin;\n{row}\n{row}\n\\.\nCOMMIT;\n");
        let mut script = Script::new(stream(&text));
        let mut most = 0;
        while let Some(piece) = script.next().await.unwrap() {
            if let Piece::Rows(rows, _) = piece {
                most = most.max(rows.len());
            }
        }
        assert!(most <= 4 * PART, "{most}");
        assert_eq!(rows(stream(&text)).await.unwrap()["a"], 2);
        rows(stream(&"x".repeat(2 * LONGEST_STATEMENT))).await.unwrap_err();
    }
}
