//! A tenant's lines as they are written: asked for each second, told as server-sent events.
//!
//! Lines of one container come in the order of their moments, those of several do not: whoever is read a moment earlier may write a
//! line that is older than the newest of another. So each question reaches back a little, and what was told is known by container.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    time::Duration,
};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use common::{bus::BusError, cluster::ClusterId, error::Kind, id::TenantId};
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};
use wire::{AskLogs, LogLine, LoggedRole, Logs, MOST_LINES};

use super::{LogLineView, Query};
use crate::{
    app::App,
    auth::{Identity, Over, Standing},
    events::EndView,
    http::{postponed::spread, request},
    problem::{Code, Problem},
    routes::events::{HEARTBEAT, RETRY_SECONDS, UNBUFFERED},
    store::tenants::Tenant,
};

const LAST_EVENT_ID: &str = "last-event-id";

/// People read along.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Longer than a provisioner waits for an engine, container by container.
const REACHES_BACK: Duration = Duration::from_secs(5);

/// A provisioner or its engine is away for a moment when it starts again.
const FAILURES: u32 = 30;

/// What is told next.
enum Told {
    Line(LogLine),
    /// More was written in a second than is carried: what came before the next line is not told.
    Gap,
}

/// Why there is nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing runs for the tenant any more.
    Gone,
    Stopping,
    TokenExpired,
    KeyRevoked,
    Unavailable,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Stopping => "stopping",
            Self::TokenExpired => "token_expired",
            Self::KeyRevoked => "key_revoked",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<Over> for End {
    fn from(over: Over) -> Self {
        match over {
            Over::Expired => Self::TokenExpired,
            Over::Revoked => Self::KeyRevoked,
            Over::Unknown => Self::Unavailable,
        }
    }
}

/// The header that says which line a client was told last.
pub enum LastLine {}

impl IntoParams for LastLine {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let nanoseconds = json!({ "type": "string", "pattern": "^[0-8]?[0-9]{1,18}$" });
        request::header(LAST_EVENT_ID, "Wins over `after`", nanoseconds)
    }
}

/// The line after which a client that was here before goes on: its message's id, nanoseconds since 1970.
pub fn last_line(headers: &HeaderMap) -> Result<Option<OffsetDateTime>, Problem> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = values.next() else { return Ok(None) };
    // `parse` alone would read a sign too.
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let digits = digits.filter(|_| values.next().is_none());
    let nanos = digits.and_then(|digits| digits.parse::<i64>().ok());
    let at = nanos.and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos.into()).ok());
    let invalid = "The header Last-Event-ID must be given once and hold the id of a line.";
    at.map(Some).ok_or_else(|| Problem::new(Code::InvalidRequest).detail(invalid))
}

/// One client's lines.
pub struct Feed {
    app: App,
    tenant: TenantId,
    cluster: Option<ClusterId>,
    role: Option<LoggedRole>,
    seen: Seen,
    pending: VecDeque<Told>,
    failures: u32,
    standing: Standing,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// Goes on from what was asked for first and answered.
    pub fn of(
        app: &App,
        (tenant, identity): (&Tenant, &Identity),
        place: OwnedSemaphorePermit,
        query: &Query,
        first: Logs,
    ) -> Self {
        let mut seen = Seen { since: query.after, ..Seen::default() };
        if first.truncated {
            // What is older was not asked for.
            seen.since = first.lines.first().map(|line| line.at - Duration::from_nanos(1));
        }
        let pending = seen.news(Logs { truncated: false, ..first });
        let standing = Standing::of(app, identity);
        let (app, role) = (app.clone(), query.role);
        let (tenant, cluster) = (tenant.id, tenant.cluster());
        Self { app, tenant, cluster, role, seen, pending, failures: 0, standing, _place: place }
    }

    /// Nothing is lost when this is not waited for to the end.
    async fn next(&mut self) -> Result<Told, End> {
        let (stopping, over) = (self.app.tasks.stopping(), self.standing.over());
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(End::Stopping),
            over = over => Err(over.into()),
            next = self.advance() => next,
        }
    }

    async fn advance(&mut self) -> Result<Told, End> {
        loop {
            if let Some(told) = self.pending.pop_front() {
                return Ok(told);
            }
            tokio::time::sleep(ASK_EVERY).await;
            let (Self { tenant, role, .. }, cluster) = (&*self, self.cluster.clone());
            let (tenant, role) = (*tenant, *role);
            let asked = AskLogs { tenant, cluster, role, tail: MOST_LINES, after: self.seen.after() };
            match self.app.bus.request(&asked).await {
                Ok(logs) => {
                    self.failures = 0;
                    self.pending = self.seen.news(logs);
                }
                Err(BusError::Remote { kind: Kind::NotFound, .. }) => return Err(End::Gone),
                Err(_) if self.failures < FAILURES => self.failures += 1,
                Err(_) => return Err(End::Unavailable),
            }
        }
    }
}

/// Which lines were told.
#[derive(Debug, Default)]
struct Seen {
    /// Nothing older than this is told, or as old.
    since: Option<OffsetDateTime>,
    /// The last line of each container.
    last: HashMap<String, OffsetDateTime>,
}

impl Seen {
    fn has(&self, line: &LogLine) -> bool {
        let last = self.last.get(&line.instance).copied();
        last.max(self.since).is_some_and(|seen| line.at <= seen)
    }

    /// What is to be asked for next.
    fn after(&self) -> Option<OffsetDateTime> {
        let newest = self.last.values().max().map(|last| *last - REACHES_BACK);
        newest.max(self.since)
    }

    fn news(&mut self, logs: Logs) -> VecDeque<Told> {
        // What was left out is older than what is there: nothing is missing if even the oldest was seen.
        let gap = logs.truncated && logs.lines.first().is_some_and(|oldest| !self.has(oldest));
        let mut news: VecDeque<_> = gap.then_some(Told::Gap).into_iter().collect();
        for line in logs.lines {
            if !self.has(&line) {
                self.last.insert(line.instance.clone(), line.at);
                news.push_back(Told::Line(line));
            }
        }
        news
    }
}

/// The lines as a stream that ends with why it does.
pub fn told(feed: Feed) -> Response {
    let told = Sse::new(messages(feed)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    ([UNBUFFERED], [(header::CACHE_CONTROL, "no-store")], told).into_response()
}

fn messages(feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    let begin = Event::default().retry(spread(RETRY_SECONDS)).comment("lines as they are written");
    let rest = stream::unfold(Some(feed), async |feed| {
        let mut feed = feed?;
        Some(match feed.next().await {
            Ok(Told::Line(line)) => {
                let event = Event::default().id(line.at.unix_timestamp_nanos().to_string());
                (with(event, &LogLineView::from(line)), Some(feed))
            }
            Ok(Told::Gap) => {
                (with(Event::default().event("gap"), &EndView { reason: "too_many" }), Some(feed))
            }
            Err(end) => (with(Event::default().event("end"), &EndView { reason: end.as_str() }), None),
        })
    });
    stream::iter([begin]).chain(rest).map(Ok)
}

fn with(event: Event, data: &impl Serialize) -> Event {
    event.data(serde_json::to_string(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);

    fn line(instance: &str, second: i64) -> LogLine {
        let at = NOON + time::Duration::seconds(second);
        LogLine {
            instance: instance.into(),
            at,
            stream: "stdout".into(),
            text: format!("{instance}{second}"),
        }
    }

    fn news(seen: &mut Seen, truncated: bool, lines: &[(&str, i64)]) -> Vec<String> {
        let lines = lines.iter().map(|(instance, second)| line(instance, *second)).collect();
        let told = seen.news(Logs { lines, truncated }).into_iter();
        told.map(|told| match told {
            Told::Line(line) => line.text,
            Told::Gap => "gap".to_owned(),
        })
        .collect()
    }

    #[test]
    fn a_line_that_is_older_than_anothers_newest_is_told_and_none_twice() {
        let mut seen = Seen::default();
        assert_eq!(news(&mut seen, false, &[("a", 1), ("b", 4)]), ["a1", "b4"]);
        assert_eq!(seen.after(), Some(NOON - time::Duration::seconds(1)));
        assert_eq!(news(&mut seen, false, &[("a", 1), ("a", 3), ("b", 4), ("b", 5)]), ["a3", "b5"]);
        assert_eq!(news(&mut seen, false, &[("a", 3), ("b", 4), ("b", 5)]), [""; 0]);
    }

    #[test]
    fn what_is_older_than_was_asked_for_is_not_told_later() {
        let mut seen = Seen { since: Some(NOON + time::Duration::seconds(2)), ..Seen::default() };
        assert_eq!(seen.after(), seen.since);
        assert_eq!(news(&mut seen, false, &[("a", 1), ("a", 2), ("a", 3)]), ["a3"]);
        assert_eq!(seen.after(), seen.since, "it reaches back no further");
    }

    #[test]
    fn a_gap_is_told_where_lines_are_missing() {
        let mut seen = Seen::default();
        assert_eq!(news(&mut seen, false, &[("a", 1)]), ["a1"]);
        assert_eq!(news(&mut seen, true, &[("a", 1), ("a", 2)]), ["a2"], "only what was told is left out");
        assert_eq!(news(&mut seen, true, &[("a", 7), ("a", 8)]), ["gap", "a7", "a8"]);
    }
}
