//! An array of JSON objects, each on a line of its own, as exports are written: read one at a time, however many there are.

use std::io;

use objects::Stream;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use wire::MOST_EXTRACTED;

use super::Head;

/// Longer than any workflow that n8n would take: what is longer is no export.
const LONGEST: u64 = 64 << 20;

/// One object.
pub struct Row {
    pub head: Head,
    /// `None`: it is too long to be told.
    pub json: Option<String>,
}

/// What is read.
pub struct Rows(BufReader<Stream>);

impl Rows {
    pub fn new(source: Stream) -> Self {
        Self(BufReader::new(source))
    }

    /// The next one; `None` at the end.
    pub async fn next(&mut self) -> io::Result<Option<Row>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut self.0).take(LONGEST).read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            let row = line.trim_ascii();
            let row = row.strip_suffix(b",").unwrap_or(row);
            if !matches!(row, b"[" | b"]" | b"[]") {
                return parsed(row).map(Some);
            }
        }
    }
}

fn parsed(row: &[u8]) -> io::Result<Row> {
    let broken = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let head = serde_json::from_slice(row).map_err(|error| broken(error.to_string()))?;
    let fits = row.len() <= MOST_EXTRACTED;
    let json = fits.then(|| String::from_utf8(row.to_vec()).map_err(|error| broken(error.to_string())));
    Ok(Row { head, json: json.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> io::Result<Vec<(String, Option<String>)>> {
        let mut rows = Rows::new(Box::pin(io::Cursor::new(text.to_owned())));
        let mut all = Vec::new();
        while let Some(row) = rows.next().await? {
            all.push((row.head.name, row.json));
        }
        Ok(all)
    }

    #[tokio::test]
    async fn each_line_is_one_of_them() {
        assert_eq!(read("[]\n").await.unwrap(), []);
        let (one, two) =
            (r#"{"id":"1","name":"A, ]"}"#, r#"{"id":"2","name":"B\n","active":true,"nodes":[]}"#);
        let all = read(&format!("[\n{one},\n{two}\n]\n")).await.unwrap();
        assert_eq!(
            all,
            [("A, ]".to_owned(), Some(one.to_owned())), ("B\n".to_owned(), Some(two.to_owned()))]
        );
    }

    #[tokio::test]
    async fn what_is_too_long_to_be_told_is_known_all_the_same() {
        let long =
            format!(r#"[{}{{"id":"1","name":"Long","pinData":"{}"}}]"#, "\n", "x".repeat(MOST_EXTRACTED));
        let long = long.replace("}]", "}\n]\n");
        assert_eq!(read(&long).await.unwrap(), [("Long".to_owned(), None)]);
    }

    #[tokio::test]
    async fn what_is_no_export_is_told() {
        for text in ["[\n{\"id\":\"1\"}\n]\n", "[\n{\"id\":\"1\",\"name\":\"cut", "no JSON\n"] {
            assert_eq!(read(text).await.unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
