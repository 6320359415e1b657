//! What is known of one certificate, and when it is looked at again.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::shown::Shown;

/// One that is there: it is renewed a month before its end.
const WELL_EVERY: Duration = Duration::from_mins(1);

/// One that is not: its domain may be put right at any time.
const MISSING_EVERY: Duration = Duration::from_secs(10);

/// One that is being ordered, which takes some ten seconds, and one that Traefik has not said anything of.
const SOON: Duration = Duration::from_secs(1);
const ORDER_TAKES: Duration = Duration::from_mins(1);

/// How a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Valid,
    /// Its time is over, and nobody renewed it.
    Ended,
    /// There is none.
    Missing,
    /// Its domain leads elsewhere, so nobody can need it here, and no issuer would give one.
    Astray,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Valid, Self::Ended, Self::Missing, Self::Astray];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Ended => "ended",
            Self::Missing => "missing",
            Self::Astray => "astray",
        }
    }
}

/// What a look saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub shown: Shown,
    /// `None` if nobody said: then it is as before.
    pub leads_here: Option<bool>,
}

/// One certificate that callers need.
#[derive(Debug, Default)]
pub struct Watched {
    state: Option<State>,
    ends: Option<OffsetDateTime>,
    leads_here: bool,
    looked_at: Option<Instant>,
    ordered_at: Option<Instant>,
}

impl Watched {
    /// `None` before it was seen.
    pub const fn state(&self) -> Option<State> {
        self.state
    }

    /// When the one that is shown ends.
    pub const fn ends(&self) -> Option<OffsetDateTime> {
        self.ends
    }

    pub const fn looked_at(&self) -> Option<Instant> {
        self.looked_at
    }

    /// Whether it is time to look at it again.
    pub fn is_due(&self) -> bool {
        let is_ordered = self.ordered_at.is_some_and(|at| at.elapsed() < ORDER_TAKES);
        let every = match self.state {
            Some(State::Valid) => WELL_EVERY,
            None => SOON,
            Some(_) if is_ordered => SOON,
            Some(State::Ended | State::Missing | State::Astray) => MISSING_EVERY,
        };
        self.looked_at.is_none_or(|at| at.elapsed() >= every)
    }

    /// Its order is on its way.
    pub fn is_ordered(&mut self) {
        self.ordered_at = Some(Instant::now());
    }

    /// It was looked at. Says how it is if that has changed.
    pub fn note(&mut self, seen: Seen) -> Option<State> {
        self.looked_at = Some(Instant::now());
        self.leads_here = seen.leads_here.unwrap_or(self.leads_here);
        self.ends = match seen.shown {
            Shown::Until(ends) => Some(ends),
            Shown::Other => None,
            // It is as it was as far as anybody knows.
            Shown::Nothing => return None,
        };
        let state = match self.ends {
            _ if !self.leads_here => State::Astray,
            Some(ends) if ends <= common::clock::now() => State::Ended,
            Some(_) => State::Valid,
            None => State::Missing,
        };
        let news = self.state != Some(state);
        self.state = Some(state);
        news.then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(shown: Shown, leads_here: impl Into<Option<bool>>) -> Seen {
        Seen { shown, leads_here: leads_here.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_looked_at_as_often_as_something_may_happen_to_it() {
        let mut watched = Watched::default();
        let day = common::clock::now() + Duration::from_hours(24);
        for (shown, state, every) in [
            (Shown::Other, State::Missing, MISSING_EVERY),
            (Shown::Until(day), State::Valid, WELL_EVERY),
            (Shown::Until(OffsetDateTime::UNIX_EPOCH), State::Ended, MISSING_EVERY),
        ] {
            assert!(watched.is_due());
            assert_eq!(watched.note(seen(shown, true)), Some(state));
            assert_eq!(watched.note(seen(shown, true)), None, "no news");
            tokio::time::advance(every - Duration::from_millis(1)).await;
            assert!(!watched.is_due());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        watched.is_ordered();
        watched.note(seen(Shown::Other, true));
        tokio::time::advance(SOON).await;
        assert!(watched.is_due());
    }

    #[tokio::test]
    async fn what_leads_elsewhere_is_astray_and_who_is_silent_says_nothing() {
        let mut watched = Watched::default();
        let day = common::clock::now() + Duration::from_hours(24);
        assert_eq!(watched.note(seen(Shown::Nothing, true)), None);
        assert_eq!(watched.state(), None);
        assert_eq!(watched.note(seen(Shown::Until(day), false)), Some(State::Astray));
        assert_eq!(watched.note(seen(Shown::Nothing, true)), None);
        assert_eq!((watched.state(), watched.ends()), (Some(State::Astray), Some(day)));
        // It was said before.
        assert_eq!(watched.note(seen(Shown::Other, None)), Some(State::Missing));
        assert_eq!(watched.note(seen(Shown::Until(day), None)), Some(State::Valid));
        assert_eq!(watched.note(seen(Shown::Until(day), false)), Some(State::Astray));
        assert_eq!(Watched::default().note(seen(Shown::Other, None)), Some(State::Astray), "never said");
    }
}
