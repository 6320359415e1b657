//! How processes ended, as the engine told while nobody looked: a container that runs again does not show it.

use std::collections::{HashMap, HashSet};

use engine::{Event, News};
use time::OffsetDateTime;

/// So many kills for want of memory are kept of one container until they are noted. While the record is away for long nothing is, and
/// whatever is killed that often says the same with fewer.
const MOST: usize = 64;

/// What was heard of containers and is not noted yet, by name.
#[derive(Debug, Default)]
pub struct Ends(HashMap<String, End>);

/// What was heard of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// What its process ended with the last time.
    pub exit_code: Option<i64>,
    /// When something in it was killed for want of memory.
    pub ooms: Vec<OffsetDateTime>,
}

impl Ends {
    /// Takes what an event says.
    pub fn hear(&mut self, event: &Event) {
        match event.news {
            News::Changed => {}
            News::Ended { exit_code } => self.of(event).exit_code = exit_code,
            News::OutOfMemory => {
                let at = kept(event.at);
                let ooms = &mut self.of(event).ooms;
                if ooms.len() < MOST && !ooms.contains(&at) {
                    ooms.push(at);
                }
            }
        }
    }

    fn of(&mut self, event: &Event) -> &mut End {
        self.0.entry(event.name.clone()).or_default()
    }

    /// What was heard of this container.
    pub fn get(&self, name: &str) -> Option<&End> {
        self.0.get(name)
    }

    /// Forgets all but what was heard of these.
    pub fn retain(&mut self, left: &HashSet<&str>) {
        self.0.retain(|name, _| left.contains(name.as_str()));
    }

    /// Forgets everything: it is somebody else's to note.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// To what the record keeps of a moment: what is read back has to be what was written.
pub(super) fn kept(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use engine::Object;
    use time::Duration;

    use super::*;

    fn event(second: i64, news: News) -> Event {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(second);
        Event { tenant: None, object: Object::Container, name: "main".into(), at, news }
    }

    #[test]
    fn what_nobody_notes_for_long_does_not_grow_without_end() {
        let mut ends = Ends::default();
        for second in 0..100_000 {
            ends.hear(&event(second, News::OutOfMemory));
            ends.hear(&event(second, News::OutOfMemory));
        }
        ends.hear(&event(100_000, News::Ended { exit_code: Some(137) }));
        let heard = ends.get("main").unwrap();
        assert_eq!((heard.ooms.len(), heard.exit_code), (MOST, Some(137)));
    }

    #[test]
    fn what_was_heard_is_kept_until_it_is_noted() {
        let mut ends = Ends::default();
        ends.hear(&event(1, News::OutOfMemory));
        ends.retain(&HashSet::from(["main"]));
        assert!(ends.get("main").is_some());
        ends.clear();
        assert!(ends.get("main").is_none());
    }
}
