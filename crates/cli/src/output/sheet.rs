//! What is known of one thing: a line for each, with its name before it.

use serde_json::Value;

use super::{
    table::{bare, finished, printable, state},
    words::{at, plain},
};

/// Lines about one thing, in order.
#[derive(Debug, Default)]
pub struct Sheet {
    lines: Vec<(&'static str, String, bool)>,
}

impl Sheet {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of text.
    pub fn line(mut self, name: &'static str, said: impl Into<String>) -> Self {
        self.lines.push((name, said.into(), false));
        self
    }

    /// What there is of it in the document, if there is something.
    pub fn of(self, name: &'static str, value: Option<&Value>) -> Self {
        self.made(name, value, plain)
    }

    /// The same for a moment.
    pub fn moment(self, name: &'static str, value: Option<&Value>) -> Self {
        self.made(name, value, at)
    }

    /// The same for a word that says how it is.
    pub fn state(mut self, name: &'static str, value: Option<&Value>) -> Self {
        self.lines.push((name, plain(value), true));
        self
    }

    fn made(self, name: &'static str, value: Option<&Value>, make: fn(Option<&Value>) -> String) -> Self {
        let empty = |value: &Value| {
            value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        match value.filter(|value| !empty(value)) {
            Some(value) => self.line(name, make(Some(value))),
            None => self,
        }
    }

    /// As lines.
    pub fn render(self, colours: bool) -> String {
        let mut table = bare();
        for (name, said, is_state) in self.lines {
            table.add_row([
                printable(name).into(),
                if is_state { state(&said, colours) } else { printable(&said).into() },
            ]);
        }
        finished(&table)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_takes_no_line() {
        let tenant = json!({ "id": "ten_1", "region": null, "tags": [], "metadata": {}, "cpu": 2.0 });
        let sheet = Sheet::new()
            .of("id", tenant.get("id"))
            .of("region", tenant.get("region"))
            .of("tags", tenant.get("tags"))
            .of("metadata", tenant.get("metadata"))
            .state("status", tenant.get("status"))
            .of("cpu cores", tenant.get("cpu"));
        assert_eq!(sheet.render(false), "id         ten_1\nstatus     -\ncpu cores  2");
    }
}
