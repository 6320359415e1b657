//! What is shown: results on standard output, everything else on standard error.

mod notes;
mod sheet;
mod table;
mod words;

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

pub use notes::Notes;
pub use sheet::Sheet;
pub use table::{Column, id, made, moment, printable, status, text};
pub use words::{at, bytes, figure, joined, lasted, plain, seconds, span, yes};

use crate::{args::Options, environment::Environment, failure::Failure};

/// Standard output, and how it is written to.
#[derive(Debug)]
pub struct Output {
    pub json: bool,
    pub quiet: bool,
    pub notes: Notes,
    /// Whether it can be drawn on, again and again in the same place.
    pub is_screen: bool,
    coloured: bool,
}

impl Output {
    /// As it was asked for. Colour is for terminals whose owner has not said no.
    pub fn new(options: &Options, environment: &Environment) -> Self {
        let is_dumb = environment.get("TERM") == Some("dumb");
        let colours = environment.get("NO_COLOR").is_none() && !is_dumb;
        Self {
            json: options.json,
            quiet: options.quiet,
            notes: Notes {
                quiet: options.quiet,
                verbose: options.verbose,
                coloured: colours && io::stderr().is_terminal(),
            },
            is_screen: !is_dumb && io::stdout().is_terminal(),
            coloured: colours && io::stdout().is_terminal(),
        }
    }

    /// A line, or several.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::local("standard output"))
    }

    /// JSON as it came; with line breaks for somebody who reads it.
    pub fn document(&self, json: &[u8]) -> Result<(), Failure> {
        let pretty = if io::stdout().is_terminal() { indented(json) } else { None };
        self.line(String::from_utf8_lossy(&pretty.unwrap_or_else(|| json.to_vec())).trim_end())
    }

    /// What an answer says of one thing, for a form of its own. `None` where it has been told: as it came, or, quietly, only what is at this
    /// pointer of it.
    pub fn data(&self, answer: &[u8], quietly: &str) -> Result<Option<Value>, Failure> {
        if self.json {
            self.document(answer)?;
            return Ok(None);
        }
        let data = serde_json::from_slice::<Value>(answer)?["data"].take();
        if self.quiet {
            self.line(&plain(data.pointer(quietly)))?;
            return Ok(None);
        }
        Ok(Some(data))
    }

    /// Entries below what is known of the thing that they are of, if there are any.
    pub fn entries(&self, columns: &[Column], entries: &Value) -> Result<(), Failure> {
        match entries.as_array().map(Vec::as_slice) {
            None | Some([]) => Ok(()),
            Some(entries) => {
                self.line("")?;
                self.table(columns, entries)
            }
        }
    }

    /// Entries under the titles of their columns.
    pub fn table(&self, columns: &[Column], entries: &[Value]) -> Result<(), Failure> {
        self.line(&table::render(columns, entries, self.coloured))
    }

    /// The same as text, for whoever puts it somewhere.
    pub fn rendered(&self, columns: &[Column], entries: &[Value]) -> String {
        table::render(columns, entries, self.coloured)
    }

    /// What is known of one thing.
    pub fn sheet(&self, sheet: Sheet) -> Result<(), Failure> {
        self.line(&sheet.render(self.coloured))
    }
}

/// The same document in the same order, or nothing if it is none.
fn indented(json: &[u8]) -> Option<Vec<u8>> {
    let mut pretty = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::pretty(&mut pretty)).ok()?;
    reader.end().ok()?;
    Some(pretty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_same_document_in_the_same_order() {
        let pretty = indented(br#"{"b":1,"a":[true,"x"]}"#).unwrap();
        assert_eq!(
            String::from_utf8(pretty).unwrap(),
            "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    \"x\"\n  ]\n}"
        );
        assert_eq!(indented(b"no JSON"), None);
    }
}
