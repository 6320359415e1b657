//! How processes ended, as the engine told while nobody looked: a container that runs again does not show it.

use std::collections::{HashMap, HashSet};

use engine::{Event, News};
use time::OffsetDateTime;

use super::notes::kept;

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
                if !ooms.contains(&at) {
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
}
