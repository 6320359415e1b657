//! What is noted of each container that should run, for whoever asks the API. Pure.

use engine::{Health, Inventory, Observed, State};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::{
    ends::{End, Ends, kept},
    rows::{Noted, Rows},
};

/// A container that begins anew all the time is told as an event no more often than this; the API always has the newest.
const TELL_EVERY: Duration = Duration::minutes(5);

/// An engine starts a container again within a minute, so a kill so long before a start belongs to the life that ended then.
const ONE_END: Duration = Duration::seconds(70);

/// What a row should say instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    pub name: String,
    #[serde(flatten)]
    pub noted: Noted,
    /// Whether that it began anew is told.
    pub tell: bool,
    #[serde(skip)]
    pub role: &'static str,
    /// By how much its counts rose.
    #[serde(skip)]
    pub restarts: u64,
    #[serde(skip)]
    pub oom_kills: u64,
}

/// What was seen of a container that should run.
enum Seen<'a> {
    Gone,
    /// The engine has it and says nothing more.
    Silent,
    There(&'a Observed),
}

/// The rows that have to be written: those that differ from what is seen. `heard` is what events told since.
pub fn notes(rows: &Rows, inventory: &Inventory, heard: &Ends, now: OffsetDateTime) -> Vec<Note> {
    let wanted = rows.tenants.values().flat_map(|tenant| &tenant.wanted);
    let notes = wanted.filter_map(|wanted| {
        let seen = match inventory.find(&wanted.name) {
            Some(seen) => Seen::There(seen),
            None if inventory.unknown.contains(&wanted.name) => Seen::Silent,
            None => Seen::Gone,
        };
        let note = note(&wanted.name, &wanted.noted, &seen, heard.get(&wanted.name), now);
        (note.noted != wanted.noted || wanted.noted.seen_at.is_none()).then_some(note)
    });
    notes.collect()
}

fn note(name: &str, before: &Noted, seen: &Seen<'_>, heard: Option<&End>, now: OffsetDateTime) -> Note {
    let mut note = Note {
        name: name.to_owned(),
        noted: before.clone(),
        tell: false,
        role: "main",
        restarts: 0,
        oom_kills: 0,
    };
    let (state, health) = match seen {
        Seen::Gone => ("absent", "none"),
        Seen::Silent => ("unknown", "unknown"),
        Seen::There(seen) => (state_word(seen.state), health_word(seen.health)),
    };
    (note.noted.state, note.noted.health) = (state.to_owned(), health.to_owned());
    if let Seen::There(seen) = seen {
        note.role = seen.owner.role.as_str();
        count_kills(&mut note, heard);
        count_restarts(&mut note, seen, heard, now);
    }
    note
}

/// Replicas hear the same events: what is not newer than what is noted was counted.
fn count_kills(note: &mut Note, heard: Option<&End>) {
    let ooms = heard.into_iter().flat_map(|end| &end.ooms);
    let new: Vec<_> = ooms.filter(|at| note.noted.last_oom_at.is_none_or(|last| **at > last)).collect();
    note.oom_kills = new.len() as u64;
    note.noted.oom_kills += i64::try_from(new.len()).unwrap_or_default();
    note.noted.last_oom_at = new.into_iter().max().copied().or(note.noted.last_oom_at);
}

fn count_restarts(note: &mut Note, seen: &Observed, heard: Option<&End>, now: OffsetDateTime) {
    let (noted, count) = (&mut note.noted, i64::try_from(seen.restarts).unwrap_or(i64::MAX));
    let rose = match noted.engine_restarts {
        // Started on purpose since, and again after that.
        Some(before) if count < before => count,
        Some(before) => count - before,
        // Noted by a release that did not count: what was before is nobody's news.
        None if noted.seen_at.is_some() => 0,
        None => count,
    };
    noted.engine_restarts = Some(count);
    let ended = seen.exit_code.is_some();
    if rose == 0 && !ended {
        return;
    }
    let heard_code = heard.and_then(|end| end.exit_code).filter(|_| rose > 0);
    noted.last_exit_code = seen.exit_code.or(heard_code).or(noted.last_exit_code.filter(|_| rose == 0));
    let began = if rose > 0 { seen.started_at.map(kept) } else { None };
    noted.last_restart_at = began.or(noted.last_restart_at);
    // Where one of several processes is killed, the first of them ends with a code of its own.
    let killed = noted.last_exit_code != Some(0)
        && noted.last_oom_at.is_some_and(|at| began.unwrap_or(now) - at < ONE_END);
    // The end that was noted before is still the last one.
    let as_before = rose == 0 && noted.oom_killed;
    noted.oom_killed = killed || seen.oom_killed || as_before;
    if rose > 0 {
        note.restarts = rose.unsigned_abs();
        noted.restarts += rose;
        note.tell = noted.told_at.is_none_or(|told| now - told >= TELL_EVERY);
        noted.told_at = if note.tell { Some(kept(now)) } else { noted.told_at };
    }
}

const fn state_word(state: State) -> &'static str {
    match state {
        State::Created => "created",
        State::Running => "running",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Exited => "exited",
        State::Removing => "removing",
    }
}

const fn health_word(health: Health) -> &'static str {
    match health {
        Health::None => "none",
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
