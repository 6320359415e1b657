//! What a look makes of a claim. Pure.

use std::time::Duration;

use dns::Unanswered;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For so long a domain is served whose proof is not there any more.
pub const GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// After the first look in vain; twice as long after each other one, up to an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// After so many looks in vain, about a month, nobody looks unless asked.
const MOST_LOOKS: u32 = 720;

/// When one lapses whose turn it was not.
const POSTPONED: Duration = Duration::from_secs(60);

/// When it is looked again whether another tenant still has a proof of the same domain.
const TAKEN_PAUSE: Duration = Duration::from_secs(60);

/// How far a claim has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not proven yet.
    Pending,
    /// Proven, and served.
    Proven,
    /// It was proven, and is not served any more.
    Lapsed,
}

impl State {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Proven => "proven",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A word of the record that names no such state.
#[derive(Debug, thiserror::Error)]
#[error("a claim cannot be `{0}`")]
pub struct StateError(String);

impl TryFrom<String> for State {
    type Error = StateError;

    fn try_from(word: String) -> Result<Self, StateError> {
        let known =
            [Self::Pending, Self::Proven, Self::Lapsed].into_iter().find(|state| state.as_str() == word);
        known.ok_or(StateError(word))
    }
}

/// What name servers say of a claim. The reasons are for people, and tell nothing that the name servers told us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Proof,
    /// They say that it is not there.
    NoProof(String),
    /// They say nothing.
    Unanswered(String),
}

impl Seen {
    /// Looks for the token among the texts of this name.
    pub fn of(name: &str, token: &str, texts: Result<Vec<String>, Unanswered>) -> Self {
        match texts {
            Ok(texts) if texts.iter().any(|text| text.trim() == token) => Self::Proof,
            Ok(texts) if texts.is_empty() => Self::NoProof(format!("{name} has no TXT record")),
            Ok(_) => Self::NoProof(format!("{name} has TXT records, and none with this value")),
            Err(unanswered) => Self::Unanswered(unanswered.to_string()),
        }
    }

    /// The word in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::NoProof(_) => "no_proof",
            Self::Unanswered(_) => "unanswered",
        }
    }
}

/// Until when a proven domain is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// There is no end to it; of one that is not proven, there is nothing to end.
    Wholly,
    /// For as long as was said before.
    AsBefore,
    /// For as long as was said before, or for [`GRACE`].
    ForAWhile,
}

/// What becomes of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    pub state: State,
    /// Why it was not found.
    pub reason: Option<String>,
    pub served: Served,
    /// When it is looked for again. `None`: when somebody asks.
    pub look_in: Option<Duration>,
}

impl Next {
    /// Of one that is another tenant's. It stays as it is.
    pub fn taken(state: State) -> Self {
        let reason = "another tenant has proven this domain, and its own TXT record is still there";
        Self { state, reason: Some(reason.into()), served: Served::Wholly, look_in: Some(TAKEN_PAUSE) }
    }

    /// Of one that would lapse, and is to do so a little later.
    pub fn postponed(self) -> Self {
        Self { state: State::Proven, served: Served::AsBefore, look_in: Some(POSTPONED), ..self }
    }
}

/// What becomes of a claim that is like this, was looked for so often in vain, and now was seen so. `overdue`: it has been served without a
/// proof for as long as it may. Who says nothing has not said that a proof is gone.
pub fn next(state: State, looks: u32, overdue: bool, seen: &Seen) -> Next {
    let (state, served, reason, look_in) = match (state, seen) {
        (_, Seen::Proof) => (State::Proven, Served::Wholly, None, Some(DAY)),
        (State::Proven, Seen::NoProof(reason)) if overdue => {
            (State::Lapsed, Served::Wholly, Some(reason), Some(HOUR))
        }
        (State::Proven, Seen::NoProof(reason)) => (state, Served::ForAWhile, Some(reason), Some(HOUR)),
        (State::Proven, Seen::Unanswered(reason)) => (state, Served::AsBefore, Some(reason), Some(HOUR)),
        (State::Pending | State::Lapsed, Seen::NoProof(reason) | Seen::Unanswered(reason)) => {
            (state, Served::Wholly, Some(reason), pause_after(looks))
        }
    };
    Next { state, reason: reason.cloned(), served, look_in }
}

fn pause_after(looks: u32) -> Option<Duration> {
    let longer = FIRST_PAUSE.saturating_mul(1 << looks.min(16));
    (looks < MOST_LOOKS).then(|| longer.min(HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "_rp9-challenge.flows.acme.example";

    fn absent() -> Seen {
        Seen::of(NAME, "token", Ok(vec![]))
    }

    fn unanswered() -> Seen {
        Seen::of(NAME, "token", Err(Unanswered::Late))
    }

    #[test]
    fn the_token_is_looked_for_among_all_texts_and_no_text_is_repeated() {
        let seen = |texts: &[&str]| Seen::of(NAME, "token", Ok(texts.iter().map(|t| (*t).into()).collect()));
        assert_eq!(seen(&["v=spf1 -all", " token "]), Seen::Proof);
        for texts in [&[][..], &["Token"], &["token2", "secret of others"]] {
            let Seen::NoProof(reason) = seen(texts) else { panic!("{texts:?}") };
            assert!(reason.starts_with(NAME) && !reason.contains("secret"), "{reason}");
        }
        assert!(matches!(unanswered(), Seen::Unanswered(_)));
    }

    #[test]
    fn whoever_proves_is_proven_from_any_state_and_looked_at_daily() {
        for state in [State::Pending, State::Proven, State::Lapsed] {
            let after = next(state, 9, true, &Seen::Proof);
            assert_eq!(
                (after.state, after.served, after.look_in),
                (State::Proven, Served::Wholly, Some(DAY))
            );
            assert_eq!(after.reason, None);
        }
    }

    #[test]
    fn a_lost_proof_is_told_and_forgiven_for_a_while_and_silence_for_ever() {
        let lost = next(State::Proven, 0, false, &absent());
        assert_eq!((lost.state, lost.served, lost.look_in), (State::Proven, Served::ForAWhile, Some(HOUR)));
        assert!(lost.reason.is_some());
        assert_eq!(next(State::Proven, 200, true, &absent()).state, State::Lapsed);
        for overdue in [false, true] {
            let silent = next(State::Proven, 200, overdue, &unanswered());
            assert_eq!((silent.state, silent.served), (State::Proven, Served::AsBefore));
        }
    }

    #[test]
    fn pauses_between_looks_in_vain_grow_to_an_hour_and_end_after_a_month() {
        for seen in [absent(), unanswered()] {
            let pauses: Vec<_> = (0..MOST_LOOKS)
                .map(|looks| next(State::Pending, looks, false, &seen).look_in.unwrap())
                .collect();
            assert_eq!(pauses[..3], [10, 20, 40].map(Duration::from_secs));
            assert!(pauses.is_sorted() && pauses.last() == Some(&HOUR));
            let all: Duration = pauses.iter().sum();
            assert!((28 * DAY..31 * DAY).contains(&all), "{all:?}");
            assert_eq!(next(State::Lapsed, MOST_LOOKS, false, &seen).look_in, None);
        }
    }
}
