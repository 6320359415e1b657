//! Lists for people: as wide as the terminal, and for a pipe as wide as they are.

use comfy_table::{Cell, Color, ContentArrangement, Table};
use serde_json::Value;

use super::words::{at, plain};

/// A column of a list.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    title: &'static str,
    shown: Shown,
}

#[derive(Debug, Clone, Copy)]
enum Shown {
    Text(&'static str),
    Moment(&'static str),
    Status(&'static str),
    Made(fn(&Value) -> String),
}

/// What a JSON pointer leads to, in a word.
pub const fn text(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Text(pointer) }
}

/// The same for a moment.
pub const fn moment(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Moment(pointer) }
}

/// The same for a word that says how something is.
pub const fn status(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Status(pointer) }
}

/// Something that is made of an entry.
pub const fn made(title: &'static str, make: fn(&Value) -> String) -> Column {
    Column { title, shown: Shown::Made(make) }
}

#[cfg(test)]
impl Column {
    /// What it reads of an entry, where that is one place.
    pub fn pointer(&self) -> Option<&'static str> {
        match self.shown {
            Shown::Text(pointer) | Shown::Moment(pointer) | Shown::Status(pointer) => Some(pointer),
            Shown::Made(_) => None,
        }
    }
}

impl Column {
    fn cell(&self, entry: &Value, colours: bool) -> Cell {
        match self.shown {
            Shown::Text(pointer) => Cell::new(printable(&plain(entry.pointer(pointer)))),
            Shown::Moment(pointer) => Cell::new(at(entry.pointer(pointer))),
            Shown::Made(make) => Cell::new(printable(&make(entry))),
            Shown::Status(pointer) => state(&plain(entry.pointer(pointer)), colours),
        }
    }
}

/// Entries under the titles of their columns, without a frame: rows are lines, which other programs can read too.
pub fn render(columns: &[Column], entries: &[Value], colours: bool) -> String {
    let mut table = bare();
    table.set_header(columns.iter().map(|column| column.title));
    for entry in entries {
        table.add_row(columns.iter().map(|column| column.cell(entry, colours)));
    }
    finished(&table)
}

/// A table without lines, its columns two spaces apart.
pub(super) fn bare() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// Without the spaces that only a frame would need.
pub(super) fn finished(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        let line = line.trim_end();
        line.strip_prefix(' ').unwrap_or(line).to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A word that says how something is, in its colour.
pub(super) fn state(word: &str, colours: bool) -> Cell {
    let cell = Cell::new(printable(word));
    match word {
        _ if !colours => cell,
        "active" | "succeeded" | "healthy" | "up" | "running" | "done" => cell.fg(Color::Green),
        "failed" | "stuck" | "unhealthy" | "down" | "undo_failed" => cell.fg(Color::Red),
        "rolled_back" | "abandoned" | "degraded" | "suspended" | "undoing" | "deleting" | "unknown" => {
            cell.fg(Color::Yellow)
        }
        _ => cell,
    }
}

/// What a stranger wrote must not move the cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        text("NAME", "/name"),
        status("STATUS", "/status"),
        moment("SINCE", "/since"),
        made("SIZE", |entry| format!("{} MB", plain(entry.pointer("/size/mb")))),
    ];

    #[test]
    fn a_list_is_lines_under_titles() {
        let entries = [
            json!({ "name": "acme", "status": "active", "since": "2026-08-01T12:00:00Z", "size": { "mb": 512 } }),
            json!({ "name": "a much longer name", "status": "failed" }),
        ];
        let expected = "\
NAME                STATUS  SINCE                 SIZE
acme                active  2026-08-01 12:00:00Z  512 MB
a much longer name  failed  -                     - MB";
        assert_eq!(render(COLUMNS, &entries, false), expected);
    }

    #[test]
    fn what_a_stranger_wrote_moves_no_cursor() {
        let shown = render(COLUMNS, &[json!({ "name": "a\u{1b}[2Jb\nc" })], false);
        assert_eq!(shown.lines().count(), 2);
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
