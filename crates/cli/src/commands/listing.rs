//! Lists: one way to read and to show them all.

use serde_json::Value;

use crate::{
    api::{Page, PageLimit, Request},
    exit::Exit,
    failure::Failure,
    output::{Column, Output, plain},
    setting::Setting,
};

/// A list of the API's.
#[derive(Debug)]
pub struct Listing<'a> {
    pub path: &'a str,
    pub filters: Vec<(&'static str, Option<String>)>,
    pub columns: &'a [Column],
    /// What an entry is named by, as a JSON pointer.
    pub id: &'static str,
    /// What there would be, in the plural.
    pub things: &'static str,
}

impl Listing<'_> {
    /// Reads and shows as much of it as is wanted.
    pub async fn show(&self, setting: &Setting, limit: PageLimit) -> Result<Exit, Failure> {
        let page = setting.api()?.list(self.path, &self.filters, limit).await?;
        let output = &setting.output;
        if output.json {
            output.document(&serde_json::to_vec(&page)?)?;
            return Ok(Exit::Done);
        }
        let entries = entries(&page)?;
        show(output, self.columns, self.id, self.things, &entries)?;
        if page.next_cursor.is_some() {
            output
                .notes
                .note(&format!("These are {}; there are more: --all, or --limit COUNT", entries.len()));
        }
        Ok(Exit::Done)
    }
}

/// A list that comes whole with one answer.
#[derive(Debug)]
pub struct Whole {
    /// Where in the answer it is, as a JSON pointer.
    pub at: &'static str,
    pub columns: &'static [Column],
    /// What an entry is named by, as a JSON pointer.
    pub id: &'static str,
    /// What there would be, in the plural.
    pub things: &'static str,
}

impl Whole {
    /// Asks for it and shows it: its entries, unless the answer was shown as it came.
    pub async fn show(&self, setting: &Setting, request: &Request) -> Result<Vec<Value>, Failure> {
        let answer = setting.api()?.send(request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Vec::new());
        }
        let mut document: Value = serde_json::from_slice(&answer.body)?;
        let entries = document.pointer_mut(self.at).and_then(Value::as_array_mut).map(std::mem::take);
        let entries = entries.unwrap_or_default();
        show(&setting.output, self.columns, self.id, self.things, &entries)?;
        Ok(entries)
    }
}

/// Shows entries as a table, or their ids alone.
pub fn show(
    output: &Output,
    columns: &[Column],
    id: &str,
    things: &str,
    entries: &[Value],
) -> Result<(), Failure> {
    if output.quiet {
        return entries.iter().try_for_each(|entry| output.line(&plain(entry.pointer(id))));
    }
    if entries.is_empty() {
        output.notes.note(&format!("No {things}."));
        return Ok(());
    }
    output.table(columns, entries)
}

fn entries(page: &Page) -> Result<Vec<Value>, Failure> {
    page.data.iter().map(|entry| serde_json::from_str(entry.get()).map_err(Failure::from)).collect()
}
