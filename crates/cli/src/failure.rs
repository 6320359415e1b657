//! Why a command came to nothing, told so that its reader knows what to do next.

use std::{io, time::Duration};

use crate::{
    api::{Refusal, Trouble},
    exit::Exit,
};

/// Why a command came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the profile; says itself what to change.
    Usage(String),
    /// The API will not.
    Refused(Box<Refusal>),
    /// For as long as was waited there was no answer, or only that it is not the time.
    Away(Box<Away>),
    /// An answer that this program does not understand.
    Garbled(String),
    /// Something on this machine.
    Local { what: String, why: io::Error },
}

/// Nobody answered, or nobody with time.
#[derive(Debug)]
pub struct Away {
    pub base: String,
    pub last: Trouble,
    pub waited: Duration,
    /// With which a change can be sent again, if it may have arrived.
    pub idempotency_key: Option<String>,
}

impl Failure {
    /// Something on this machine that cannot be done.
    pub fn local(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |why| Self::Local { what, why }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Away(_) => Exit::Unreachable,
            Self::Garbled(_) | Self::Local { .. } => Exit::Failed,
        }
    }

    /// Whether it is only that nobody reads on, as with `rp9 … | head`.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Local { why, .. } if why.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The API's own account of it.
    pub fn document(&self) -> Option<&[u8]> {
        match self {
            Self::Refused(refusal) => refusal.document(),
            Self::Away(away) => match &away.last {
                Trouble::Busy { refusal, .. } | Trouble::Refused(refusal) => refusal.document(),
                Trouble::Unreachable(_) => None,
            },
            Self::Usage(_) | Self::Garbled(_) | Self::Local { .. } => None,
        }
    }

    /// What happened, line by line, and what to do.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Usage(said) => vec![said.clone()],
            Self::Refused(refusal) => advised(refusal.lines(), refusal.advice()),
            Self::Away(away) => away.lines(),
            Self::Garbled(why) => {
                let advice = "Is the profile's address an RP9 gateway's, of about this version? `rp9 profiles list`, `rp9 --version`";
                advised(vec![format!("The answer was not understood: {why}")], Some(advice))
            }
            Self::Local { what, why } => vec![format!("{what}: {why}")],
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Garbled(error.to_string())
    }
}

impl Away {
    fn lines(&self) -> Vec<String> {
        let Self { base, last, waited, idempotency_key } = self;
        let seconds = waited.as_secs();
        let mut lines = match last {
            Trouble::Unreachable(why) => vec![format!("{base} does not answer: {why}")],
            Trouble::Busy { refusal, .. } | Trouble::Refused(refusal) => refusal.lines(),
        };
        let next = match last {
            Trouble::Unreachable(_) => {
                "Is it up, and is it the right profile? `rp9 health`, `rp9 profiles list`; --patience waits longer."
            }
            Trouble::Busy { .. } | Trouble::Refused(_) => "Try again later, or with more --patience.",
        };
        lines.push(format!("  {next} (waited {seconds} s)"));
        if let Some(key) = idempotency_key {
            lines.push(
                "  It may have been accepted. Sent again with the same key, it is done once:".to_owned(),
            );
            lines.push(format!("    --idempotency-key {key}"));
        }
        lines
    }
}

fn advised(mut lines: Vec<String>, advice: Option<&str>) -> Vec<String> {
    lines.extend(advice.map(|advice| format!("  {advice}")));
    lines
}
