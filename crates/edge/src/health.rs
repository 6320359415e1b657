//! Which sides get calls: what was last seen of each, judged.

mod sides;

pub use sides::{Side, Sides};

/// What one look at a side showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// It says that it is ready.
    Ready,
    /// It says that it is not, or nothing listens there.
    NotReady,
    /// It accepts the question and does not answer in time: hung, or only busy.
    Silent,
    /// The question did not reach it: the edge itself is away, or does not have this route yet. Says nothing about the side.
    NotSeen,
}

/// When what was seen of a side weighs so much, it gets no calls: not ready twice in a row, or silent three times.
const ENOUGH: u8 = 6;

/// Whether a side gets calls, and how much speaks against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    ready: bool,
    against: u8,
}

impl Health {
    /// Of a side that came with a change of its route: the platform publishes a route once its instance is ready.
    pub const PUBLISHED: Self = Self { ready: true, against: 0 };

    /// Of a side that was there before us: everything may just be starting.
    pub const UNKNOWN: Self = Self { ready: false, against: ENOUGH };

    /// Whether it gets calls.
    pub fn is_ready(self) -> bool {
        self.ready
    }

    /// Whether it should be looked at again at once.
    pub fn is_in_doubt(self) -> bool {
        self.against > 0
    }

    /// What this sighting makes of it. One that is not ready gets calls again with the first sign that it is.
    #[must_use]
    pub fn after(self, sighting: Sighting) -> Self {
        let weight = match sighting {
            Sighting::Ready => return Self { ready: true, against: 0 },
            Sighting::NotSeen => return self,
            Sighting::NotReady => 3,
            Sighting::Silent => 2,
        };
        let against = self.against.saturating_add(weight).min(ENOUGH);
        Self { ready: self.ready && against < ENOUGH, against }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sighting::*, *};

    #[test]
    fn one_bad_look_is_none_and_one_good_look_is_enough() {
        let cases: &[(Health, &[Sighting], bool)] = &[
            (Health::PUBLISHED, &[], true),
            (Health::UNKNOWN, &[], false),
            (Health::UNKNOWN, &[NotSeen, NotSeen], false),
            (Health::UNKNOWN, &[Ready], true),
            (Health::PUBLISHED, &[NotReady], true),
            (Health::PUBLISHED, &[NotReady, NotReady], false),
            (Health::PUBLISHED, &[NotReady, Ready, NotReady], true),
            (Health::PUBLISHED, &[NotReady, NotSeen, NotReady], false),
            (Health::PUBLISHED, &[Silent, Silent], true),
            (Health::PUBLISHED, &[Silent, Silent, Silent], false),
            (Health::PUBLISHED, &[Silent, Silent, NotReady], false),
            (Health::PUBLISHED, &[NotReady, NotReady, Silent, NotReady], false),
            (Health::PUBLISHED, &[NotReady, NotReady, Silent, Ready], true),
            (Health::PUBLISHED, &[NotSeen; 9], true),
        ];
        for (health, sightings, expected) in cases {
            let end = sightings.iter().fold(*health, |health, sighting| health.after(*sighting));
            assert_eq!(end.is_ready(), *expected, "{health:?} {sightings:?}");
        }
    }

    #[test]
    fn what_is_in_doubt_is_looked_at_at_once() {
        assert!(!Health::PUBLISHED.is_in_doubt());
        assert!(Health::PUBLISHED.after(NotReady).is_in_doubt());
        assert!(Health::UNKNOWN.is_in_doubt());
        assert!(!Health::UNKNOWN.after(Ready).is_in_doubt());
    }
}
