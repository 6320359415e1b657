//! How often a step failed, and why. Pure.

use serde_json::Value;

use crate::error::Kind;

/// Failures that are counted together. How often those of one class were waited for says nothing about another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A dependency is away, or wants to be left alone for now.
    Away,
    /// A dependency answers with errors, or not in time.
    Faulty,
    /// Our own mistake.
    Ours,
    /// Wrong, and wrong again the next time.
    Lasting,
    /// Whoever did it vanished in the middle of it.
    Lost,
}

/// The word for [`Class::Lost`] where other failures have the word of their kind.
pub const LOST: &str = "lost";

impl Class {
    const COUNT: usize = 5;

    /// The class of such failures.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Unavailable | Kind::Throttled => Self::Away,
            Kind::Timeout | Kind::Upstream => Self::Faulty,
            Kind::Internal => Self::Ours,
            Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Conflict => {
                Self::Lasting
            }
        }
    }

    /// The class of an error in a journal, by its word. One that this version does not know is nobody else's mistake.
    pub fn of_word(word: &str) -> Self {
        if word == LOST {
            return Self::Lost;
        }
        let known = Kind::ALL.iter().copied().find(|kind| kind.as_str() == word);
        known.map_or(Self::Ours, Self::of)
    }

    /// The same of the whole error.
    pub fn of_error(error: &Value) -> Option<Self> {
        error.get("kind").and_then(Value::as_str).map(Self::of_word)
    }
}

/// How often a step failed in each way since it last came to a good end, or a person resumed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u32; Class::COUNT]);

impl Tally {
    /// Counts one more. Losses are counted in a row: whoever failed in another way was there to say so.
    pub(super) fn note(&mut self, class: Class) {
        if class != Class::Lost {
            self.0[Class::Lost as usize] = 0;
        }
        self.0[class as usize] += 1;
    }

    /// How often it failed in this way.
    pub const fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_classes_are_counted_apart_and_losses_in_a_row() {
        let mut tally = Tally::default();
        for class in [Class::Away, Class::Away, Class::Lost, Class::Lost, Class::Faulty, Class::Lost] {
            tally.note(class);
        }
        let counts = [Class::Away, Class::Faulty, Class::Ours, Class::Lasting, Class::Lost];
        assert_eq!(counts.map(|class| tally.of(class)), [2, 1, 0, 0, 1]);
    }

    #[test]
    fn every_kind_is_of_the_class_that_its_word_says() {
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(Class::of_word(kind.as_str()), Class::of(kind));
            assert_ne!(Class::of(kind), Class::Lost, "{kind}");
        }
        assert_eq!([LOST, "later_version"].map(Class::of_word), [Class::Lost, Class::Ours]);
        assert_eq!(Class::of_error(&json!({ "kind": "throttled" })), Some(Class::Away));
        assert_eq!(Class::of_error(&json!({ "detail": "no kind" })), None);
    }
}
