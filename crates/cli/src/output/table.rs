//! Lists for people: as wide as the terminal, and for a pipe as wide as they are.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table};
use serde_json::Value;

use super::words::{at, plain};

/// A column of a list.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    title: &'static str,
    shown: Shown,
    fit: Fit,
}

#[derive(Debug, Clone, Copy)]
enum Shown {
    Text(&'static str),
    Moment(&'static str),
    Status(&'static str),
    Made(fn(&Value) -> String),
}

/// What becomes of a column where the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It gets more lines.
    Breaks,
    /// It stays as it is: somebody copies it.
    Whole,
    /// It is left out.
    Goes,
}

/// What a JSON pointer leads to, in a word.
pub const fn text(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Text(pointer), fit: Fit::Breaks }
}

/// The same for what other commands are given.
pub const fn id(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Text(pointer), fit: Fit::Whole }
}

/// The same for a moment.
pub const fn moment(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Moment(pointer), fit: Fit::Breaks }
}

/// The same for a word that says how something is.
pub const fn status(title: &'static str, pointer: &'static str) -> Column {
    Column { title, shown: Shown::Status(pointer), fit: Fit::Breaks }
}

/// Something that is made of an entry.
pub const fn made(title: &'static str, make: fn(&Value) -> String) -> Column {
    Column { title, shown: Shown::Made(make), fit: Fit::Breaks }
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
    /// The first to go where there is no room; of several the rightmost.
    pub const fn wide(mut self) -> Self {
        self.fit = Fit::Goes;
        self
    }

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
    // A terminal that has no size has room.
    let width = bare().width().map(|width| if width == 0 { u16::MAX } else { width });
    fitted(columns, entries, colours, width)
}

fn fitted(columns: &[Column], entries: &[Value], colours: bool, width: Option<u16>) -> String {
    let mut table = bare();
    table.set_header(columns.iter().map(|column| column.title));
    for entry in entries {
        table.add_row(columns.iter().map(|column| column.cell(entry, colours)));
    }
    let Some(width) = width else { return finished(&table) };
    let takes: usize = table.column_max_content_widths().iter().map(|column| usize::from(*column) + 2).sum();
    let last = columns.iter().rposition(|column| column.fit == Fit::Goes);
    if let (true, Some(last)) = (takes > usize::from(width), last) {
        let rest = [&columns[..last], &columns[last + 1..]].concat();
        return fitted(&rest, entries, colours, Some(width));
    }
    for (position, column) in columns.iter().enumerate() {
        if let (Fit::Whole, Some(column)) = (column.fit, table.column_mut(position)) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    finished(table.set_width(width))
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
        "active" | "succeeded" | "healthy" | "up" | "running" | "done" | "verified" | "proven" => {
            cell.fg(Color::Green)
        }
        "failed" | "stuck" | "unhealthy" | "down" | "undo_failed" => cell.fg(Color::Red),
        "rolled_back" | "abandoned" | "degraded" | "suspended" | "undoing" | "deleting" | "removing"
        | "unknown" => cell.fg(Color::Yellow),
        _ => cell,
    }
}

/// What a stranger wrote must not move the cursor, and must not turn around what stands beside it.
pub fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect()
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
    fn what_does_not_fit_goes_or_breaks_and_an_id_stays_whole() {
        const NARROW: &[Column] = &[
            text("NAME", "/name"),
            id("ID", "/id"),
            text("PLAN", "/plan").wide(),
            text("MODE", "/mode").wide(),
        ];
        let entry = json!({ "name": "a name of some length", "id": "ten_0123456789", "plan": "pro", "mode": "dedicated" });
        let shown = |width| fitted(NARROW, std::slice::from_ref(&entry), false, Some(width));
        assert_eq!(shown(60).lines().next(), Some("NAME                   ID              PLAN  MODE"));
        assert_eq!(shown(50).lines().next(), Some("NAME                   ID              PLAN"));
        let narrowest = shown(30);
        assert!(narrowest.contains("ten_0123456789") && !narrowest.contains("PLAN"), "{narrowest}");
        assert!(
            narrowest.lines().count() > 2 && narrowest.lines().all(|line| line.len() <= 30),
            "{narrowest}"
        );
    }

    #[test]
    fn what_a_stranger_wrote_moves_no_cursor() {
        let shown = render(COLUMNS, &[json!({ "name": "a\u{1b}[2Jb\nc\u{9b}1A\u{202e}d" })], false);
        assert_eq!(shown.lines().count(), 2);
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{shown}");
    }
}
