//! Why an attempt at a step did not come to a good end, in the words of the record.

use std::{any::Any, time::Duration};

use serde_json::{Value, json};

use crate::{
    error::{Kind, scrub},
    operations::{Class, LOST},
};

/// What hides our own mistakes from the public.
const OURS: &str = "Something went wrong on our side.";

/// The failure of one attempt.
pub(super) struct Why {
    /// None: whoever attempted it vanished.
    pub kind: Option<Kind>,
    pub detail: String,
    pub cause: String,
    pub hint: Option<&'static str>,
}

impl Why {
    fn told(kind: Kind, detail: String) -> Self {
        Self { kind: Some(kind), cause: detail.clone(), detail, hint: None }
    }

    /// It was not done within its time.
    pub fn too_slow(limit: Duration) -> Self {
        Self::told(Kind::Timeout, format!("It was not done within {} seconds.", limit.as_secs_f64()))
    }

    /// The operation's time was over before.
    pub fn late() -> Self {
        Self::told(Kind::Timeout, "The operation's deadline has passed.".into())
    }

    /// It panicked with this.
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        let cause = scrub(&format!("it panicked: {text}"));
        Self { kind: Some(Kind::Internal), detail: OURS.into(), cause, hint: None }
    }

    /// Somebody began it and was not heard of again.
    pub fn lost() -> Self {
        let detail = "Whoever did this ended, or lost touch with the record, in the middle of it.";
        let hint =
            "Look for what ended the process: its log, its memory. Five times in a row are the step's doing.";
        Self { kind: None, detail: detail.into(), cause: detail.into(), hint: Some(hint) }
    }

    /// What it counts as.
    pub fn class(&self) -> Class {
        self.kind.map_or(Class::Lost, Class::of)
    }

    /// The word for it.
    pub fn word(&self) -> &'static str {
        self.kind.map_or(LOST, Kind::as_str)
    }

    /// The error in the journal.
    pub fn error(&self, step: &str) -> Value {
        let hint = self.hint.or(self.kind.map(Kind::advice));
        json!({ "step": step, "kind": self.word(), "detail": self.detail, "hint": hint })
    }
}
