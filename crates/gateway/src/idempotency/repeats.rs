//! Which keys were used at this gateway lately.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use super::IdempotencyKey;

/// Whoever repeats a request does so within seconds, as a rule: of thousands of others a gateway accepts in these, it forgets some.
const PLACES: usize = 4_096;

/// A guess at which commands are repeated. The record alone knows; but whether to ask it for the answer first, or to accept first, is
/// decided by this: accepting what was accepted before takes several times as long as reading its answer. A wrong guess costs one
/// question.
#[derive(Debug)]
pub struct Repeats {
    places: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Repeats {
    fn default() -> Self {
        let places = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        Self { places, hasher: RandomState::new() }
    }
}

impl Repeats {
    /// This subject has used this key.
    pub fn note(&self, subject: &str, key: &IdempotencyKey) {
        let (place, mark) = self.place(subject, key);
        place.store(mark, Ordering::Relaxed);
    }

    /// Whether it is likely to have done so before.
    pub fn is_likely(&self, subject: &str, key: &IdempotencyKey) -> bool {
        let (place, mark) = self.place(subject, key);
        place.load(Ordering::Relaxed) == mark
    }

    /// Where both are noted, and as what.
    fn place(&self, subject: &str, key: &IdempotencyKey) -> (&AtomicU64, u64) {
        // Zero is what nobody has noted.
        let mark = self.hasher.hash_one((subject, key.as_str())).max(1);
        (&self.places[mark as usize % PLACES], mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_likely_for_that_subject_under_that_key() {
        let (repeats, key) = (Repeats::default(), |text: &str| IdempotencyKey(text.to_owned()));
        assert!(!repeats.is_likely("portal", &key("a")));
        repeats.note("portal", &key("a"));
        assert!(repeats.is_likely("portal", &key("a")));
        assert!(!repeats.is_likely("portal", &key("b")) && !repeats.is_likely("other", &key("a")));
    }

    #[test]
    fn a_flood_of_others_takes_no_more_room_and_leaves_the_latest() {
        let (repeats, key) = (Repeats::default(), |n: usize| IdempotencyKey(n.to_string()));
        (0..10 * PLACES).for_each(|n| repeats.note("portal", &key(n)));
        assert!(repeats.is_likely("portal", &key(10 * PLACES - 1)));
        let kept = (0..10 * PLACES).filter(|n| repeats.is_likely("portal", &key(*n))).count();
        assert!(kept <= PLACES, "{kept}");
    }
}
