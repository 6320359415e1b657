//! The way between one process and the record.

use std::{
    fmt,
    sync::{Arc, MutexGuard},
};

use super::{
    faults::{Fate, Faults},
    process::Process,
    trace::Trace,
};

/// A simulation, as far as it decides what happens on that way.
pub trait Weather {
    fn faults(&self) -> MutexGuard<'_, Faults>;
    fn trace(&self) -> MutexGuard<'_, Trace>;
    /// Whether a rule was violated.
    fn is_violated(&self) -> bool;

    /// Nothing more once a rule was violated: the trace ends there.
    fn note(&self, line: fmt::Arguments<'_>) {
        if !self.is_violated() {
            self.trace().note(line);
        }
    }
}

/// The record as one process reaches it: a link that delays, loses and cuts off. The oracle sees what really happened at its far end.
pub struct Link<S> {
    pub sim: Arc<S>,
    pub process: Arc<Process>,
}

impl<S> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("process", &self.process.name).finish_non_exhaustive()
    }
}

impl<S: Weather> Link<S> {
    /// A question travels to the record.
    pub async fn go(&self, what: &str) -> Result<Fate, sqlx::Error> {
        self.process.gate().await;
        let fate = self.sim.faults().fate();
        self.process.travel(fate.before).await;
        if fate.dropped || self.process.is_cut_off() {
            self.note(format_args!("{what} is lost"));
            return Err(away());
        }
        Ok(fate)
    }

    /// Its answer travels back.
    pub async fn come_back<T, E: From<sqlx::Error>>(
        &self,
        what: &str,
        fate: Fate,
        answer: Result<T, E>,
    ) -> Result<T, E> {
        self.process.travel(fate.after).await;
        if fate.answer_lost || self.process.is_cut_off() {
            self.note(format_args!("the answer to {what} is lost"));
            return Err(away().into());
        }
        answer
    }

    /// Something of this process, for the trace.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        self.sim.note(format_args!("{}: {what}", self.process.name));
    }
}

/// What a process without a connection is told.
fn away() -> sqlx::Error {
    sqlx::Error::PoolTimedOut
}
