//! What became of requests, as the log can be asked for it.

use crate::problem::Code;

/// What the outcome of a refusal begins with; the problem's code follows.
pub const REFUSED: &str = "refused: ";

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or will be.
    Accepted,
    /// It was so before, or somebody had it done already.
    Already,
    /// Something secret was shown.
    Shown,
    /// It was refused, for whatever reason.
    Refused,
    /// It was refused with this code.
    RefusedWith(Code),
}

impl Outcome {
    /// Every word that the log can be narrowed to.
    pub fn words() -> impl Iterator<Item = &'static str> {
        ["accepted", "already", "shown", "refused"]
            .into_iter()
            .chain(Code::ALL.iter().map(|code| code.as_str()))
    }

    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "accepted" => Some(Self::Accepted),
            "already" => Some(Self::Already),
            "shown" => Some(Self::Shown),
            "refused" => Some(Self::Refused),
            word => Code::ALL.iter().find(|code| code.as_str() == word).map(|code| Self::RefusedWith(*code)),
        }
    }

    /// What entries with this outcome begin with, and whether they end there too.
    pub fn beginning(self) -> (String, bool) {
        match self {
            Self::Accepted => ("accepted".to_owned(), true),
            Self::Already => ("already".to_owned(), true),
            Self::Shown => ("shown".to_owned(), true),
            Self::Refused => (REFUSED.to_owned(), false),
            Self::RefusedWith(code) => (format!("{REFUSED}{}", code.as_str()), true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_something_and_nothing_else_does() {
        assert!(Outcome::words().all(|word| Outcome::of_word(word).is_some()));
        assert_eq!(Outcome::of_word("conflict"), Some(Outcome::RefusedWith(Code::Conflict)));
        for bad in ["Accepted", "refused: conflict", "conflic", "%", ""] {
            assert_eq!(Outcome::of_word(bad), None, "{bad:?}");
        }
    }
}
