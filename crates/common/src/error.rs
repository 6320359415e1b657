//! One classification of failures, used three times: HTTP status, retry policy, metric label and log level.

mod scrub;
mod sqlstate;

use std::sync::Arc;

use strum::VariantArray;

pub use scrub::{scrub, writable};

/// What sort of failure this is. Everything that reacts to an error reacts to this, and to nothing else.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Kind {
    /// The request is wrong and stays wrong.
    Invalid,
    /// Nobody proved who is asking.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The request contradicts the present state.
    Conflict,
    /// Too much at once; later is fine.
    Throttled,
    /// A dependency cannot be reached. Trying again helps.
    Unavailable,
    /// A dependency did not answer in time. It may or may not have acted.
    Timeout,
    /// A dependency answered with an error of its own.
    Upstream,
    /// Our own mistake. A person has to look.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The HTTP status this kind is reported with.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Throttled => 429,
            Self::Unavailable | Self::Timeout => 503,
            Self::Upstream => 502,
            Self::Internal => 500,
        }
    }

    /// Whether doing the same again may end differently.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Timeout | Self::Upstream)
    }

    /// What whoever runs the platform can do about it, where an error has no better advice.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Invalid => "The same will fail the same way: ask for something else.",
            Self::Unauthenticated | Self::Forbidden => {
                "The platform itself was refused: look at the credentials in its configuration."
            }
            Self::NotFound => "What it needs is not there: the cause names it.",
            Self::Conflict => "Something else is in its place: the cause names it. Asking again is safe.",
            Self::Throttled => "There was too much at once: ask again later.",
            Self::Unavailable | Self::Timeout => {
                "Look at /health/detailed for what is away. Until its deadline an operation goes on by itself."
            }
            Self::Upstream => "Mend what the cause names, then ask again, or resume the operation.",
            Self::Internal => {
                "A mistake of the platform's: the cause and the operation's id help to find it."
            }
        }
    }

    /// The stable word for this kind in metrics, problem documents and the journal.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// An error that knows its [`Kind`], and what of it may be told to a stranger.
pub trait Classify: std::error::Error + Send + Sync + 'static {
    /// What sort of failure this is.
    fn kind(&self) -> Kind;

    /// What whoever runs the platform can do about it, if that is more than [`Kind::advice`] knows.
    fn hint(&self) -> Option<&'static str> {
        None
    }

    /// Text for the caller. Never a cause, an address or a secret: the default says only the kind.
    fn public_detail(&self) -> String {
        match self.kind() {
            Kind::Unavailable | Kind::Timeout => "A dependency is not answering. Try again later.".into(),
            Kind::Upstream => "A dependency answered with an error.".into(),
            Kind::Internal => "Something went wrong on our side.".into(),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Throttled => self.to_string(),
        }
    }
}

/// One that several were told of.
impl<E: Classify> Classify for Arc<E> {
    fn kind(&self) -> Kind {
        self.as_ref().kind()
    }

    fn hint(&self) -> Option<&'static str> {
        self.as_ref().hint()
    }

    fn public_detail(&self) -> String {
        self.as_ref().public_detail()
    }
}

/// An error with all its causes on one line, for the log. Some libraries put a cause into their own text too; it is there once.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.map(ToString::to_string).fold(error.to_string(), |line, cause| {
        if line.ends_with(&cause) { line } else { format!("{line}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(chain(&error), "outer: inner");
        let told = sqlx::Error::Io(std::io::Error::other("no route")).to_string();
        assert!(told.ends_with("no route"), "a library that tells the cause itself: {told}");
        assert_eq!(chain(&sqlx::Error::Io(std::io::Error::other("no route"))), told);
    }
}
