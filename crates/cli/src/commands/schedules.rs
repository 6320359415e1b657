//! `rp9 schedules …`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{Request, path},
    args::{Length, Sending},
    commands::{
        accepted::send,
        listing::Listing,
        reason::{OptionalReason, Reason},
    },
    exit::Exit,
    failure::Failure,
    output::{Column, at, made, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("NAME", "/name"),
    moment("NEXT", "/next_due_at"),
    made("PAUSED", paused),
    made("LAST", last),
    text("CRON", "/cron").wide(),
    text("ZONE", "/zone").wide(),
];

fn paused(schedule: &Value) -> String {
    let pause = &schedule["paused"];
    if pause.is_null() {
        return plain(None);
    }
    let why = pause.get("reason").filter(|reason| !reason.is_null());
    let why = why.map(|reason| format!(": {}", plain(Some(reason)))).unwrap_or_default();
    format!("by {}{why}", plain(pause.get("by")))
}

fn last(schedule: &Value) -> String {
    let firing = &schedule["last_firing"];
    if firing.is_null() {
        return plain(None);
    }
    let why = firing
        .pointer("/error/detail")
        .map(|detail| format!(": {}", plain(Some(detail))))
        .unwrap_or_default();
    format!("{} at {}{why}", plain(firing.get("state")), at(firing.get("due_at")))
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them by name
    List(List),
    /// Hold one back: nothing of it begins any more
    Pause(Steer<Reason>),
    /// Let one fire again
    Resume(Steer<OptionalReason>),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    length: Length,
}

#[derive(Debug, Args)]
pub struct Steer<R: Args> {
    /// Its name
    schedule: String,
    #[command(flatten)]
    reason: R,
    #[command(flatten)]
    sending: Sending,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Pause(steer) => steer.run(setting, "pause").await,
            Self::Resume(steer) => steer.run(setting, "resume").await,
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let listing = Listing {
            path: "/schedules",
            filters: Vec::new(),
            columns: COLUMNS,
            id: "/name",
            things: "schedules",
        };
        listing.show(setting, self.length.limit()).await
    }
}

impl<R: Args + Serialize> Steer<R> {
    async fn run(&self, setting: &Setting, verb: &str) -> Result<Exit, Failure> {
        let target = path(&["schedules", &self.schedule, verb]);
        let request =
            Request::change(Method::POST, target, self.sending.idempotency_key.clone()).json(&self.reason)?;
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let paused = document["paused"].as_bool().unwrap_or_default();
        setting.output.line(&format!("{} {}", self.schedule, if paused { "is paused" } else { "fires" }))?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_holds_it_back_and_what_became_of_the_last_firing_are_told() {
        let schedule = json!({
            "paused": { "by": "ada", "at": "2026-08-01T12:00:00Z", "reason": "too loud" },
            "last_firing": { "state": "failed", "due_at": "2026-08-01T03:30:00Z", "error": { "detail": "No room." } },
        });
        assert_eq!(paused(&schedule), "by ada: too loud");
        assert_eq!(last(&schedule), "failed at 2026-08-01 03:30:00Z: No room.");
        assert_eq!((paused(&json!({})), last(&json!({}))), ("-".to_owned(), "-".to_owned()));
    }
}
