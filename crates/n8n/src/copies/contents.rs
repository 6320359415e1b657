//! What `pg_restore --list` says that a dump has in it.

use std::collections::BTreeSet;

/// A dump's table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    text: String,
}

/// What the platform makes itself in each database: it is made anew, as this release has it.
const OURS: &str = "rp9";

impl Contents {
    /// What `pg_restore --list` has said.
    pub fn new(text: String) -> Self {
        Self { text }
    }

    /// The tables whose rows are in it.
    pub fn tables(&self) -> BTreeSet<&str> {
        let entries = self.text.lines().filter_map(Entry::read);
        entries
            .filter(|entry| entry.what == "TABLE DATA" && entry.schema == "public")
            .map(|entry| entry.name)
            .collect()
    }

    /// The list of what is loaded.
    pub(super) fn wanted(&self) -> String {
        let wanted = |line: &&str| Entry::read(line).is_some_and(|entry| entry.is_wanted());
        self.text.lines().filter(wanted).fold(String::new(), |list, line| list + line + "\n")
    }
}

/// `217; 1259 16385 TABLE public workflow_entity ten_1`; `-` stands for no schema.
struct Entry<'a> {
    what: String,
    schema: &'a str,
    name: &'a str,
    /// Of a trigger its own name; of most others whose it was.
    detail: &'a str,
}

impl<'a> Entry<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (number, rest) = line.split_once("; ")?;
        number.parse::<u32>().ok()?;
        let mut words = rest.split(' ').skip(2).peekable();
        let mut what = Vec::new();
        while let Some(word) = words.next_if(|word| word.bytes().all(|b| b.is_ascii_uppercase())) {
            what.push(word);
        }
        let mut next = || words.next().unwrap_or_default();
        Some(Self { what: what.join(" "), schema: next(), name: next(), detail: next() })
    }

    fn is_wanted(&self) -> bool {
        let of_the_database = self.schema == "-";
        let ours = self.schema == OURS || self.what == "TRIGGER" && self.detail.starts_with("rp9_");
        !of_the_database && !ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
;
; Archive created at 2026-11-28 12:17:57 UTC
;     TOC Entries: 9
;
6; 2615 19977 SCHEMA - rp9 rp9_tenants
385; 1255 17799 FUNCTION public increment_workflow_version() ten_1
400; 1255 19997 FUNCTION rp9 write_down() rp9_tenants
4398; 0 0 COMMENT public COLUMN activity_event.category ten_1
217; 1259 16385 TABLE public workflow_entity ten_1
4001; 0 16385 TABLE DATA public workflow_entity ten_1
4002; 0 19999 TABLE DATA rp9 execution rp9_tenants
3801; 2606 1 FK CONSTRAINT public workflow_entity FK_1 ten_1
3900; 2620 1 TRIGGER public execution_entity rp9_write_down ten_1
3901; 2620 2 TRIGGER public workflow_entity workflow_version_increment ten_1
";

    #[test]
    fn what_is_the_platforms_own_is_made_anew_and_not_loaded() {
        let contents = Contents::new(LIST.into());
        assert_eq!(contents.tables(), BTreeSet::from(["workflow_entity"]));
        let wanted = contents.wanted();
        let numbers: Vec<_> = wanted.lines().map(|line| line.split(';').next().unwrap()).collect();
        assert_eq!(numbers, ["385", "4398", "217", "4001", "3801", "3901"]);
    }

    #[test]
    fn what_is_no_list_has_nothing() {
        for text in ["", ";", "x; y", "1; 2", "1;"] {
            assert_eq!(Contents::new(text.into()).tables().len(), 0, "{text}");
        }
    }
}
