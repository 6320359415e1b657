//! `GET /tenants/{id}/logs`

mod follow;

use axum::{
    Extension, Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use common::{bus::BusError, error::Kind};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;
use wire::{AskLogs, LoggedRole, MOST_LINES};

use crate::{
    app::App,
    audit::Entry,
    auth::{Access, Role, TenantOf},
    exchange::Exchange,
    http::{
        fields::{Fault, Text},
        request::{Request, request},
        switch::Switch,
    },
    problem::{Answered, Code, Problem},
    store::audit,
};

use super::operate::has_containers;
use follow::{Feed, LastLine, told};

/// When nothing is said.
const LINES: u16 = 100;

pub enum ReadLogs {}

impl Access for ReadLogs {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some(ACTION);
}

const ACTION: &str = "tenant.logs";

request! {
    /// Which lines to show.
    pub struct LogsQuery: Request {
        /// `main` or `worker`; both when absent.
        role: Option<LoggedRole>,
        /// 1 to 1000; 100 when absent.
        tail: Option<Tail>,
        /// Only what was written after this moment (RFC 3339).
        after: Option<OffsetDateTime>,
        /// Goes on with what is written from now on, as server-sent events.
        follow: Option<Switch>,
    }
}

/// So many lines.
#[derive(Debug)]
pub struct Tail(u16);

impl Text for Tail {
    fn parse(text: &str) -> Result<Self, Fault> {
        let lines = text.parse().ok().filter(|lines| (1..=MOST_LINES).contains(lines));
        lines.map(Self).ok_or_else(|| Fault::new("invalid_number", format!("must be 1 to {MOST_LINES}")))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": MOST_LINES })
    }
}

/// The lines that were asked for.
#[derive(Serialize, ToSchema)]
pub struct LogLines {
    data: Vec<LogLineView>,
    /// There were more, older than these.
    truncated: bool,
}

/// One line that a container wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub struct LogLineView {
    /// The container.
    instance: String,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    #[schema(example = "stdout")]
    stream: String,
    text: String,
}

/// Shows the last lines that the tenant's containers wrote, oldest first.
///
/// At most 512 kB of text. What workflows print is in there: nothing of it is kept, and every look is in the audit log before it is answered.
/// A tenant that shares an n8n has no containers of its own, and what that n8n writes is about everybody: 422.
/// With `follow=true` these lines, and then those that are written, are told as server-sent events: each message's data is a `LogLine`. A
/// message named `gap` says that more was written in a second than is carried, one named `end` why the stream ends; a client that comes
/// back with `Last-Event-ID` goes on after that line.
#[utoipa::path(
    get, path = "/tenants/{id}/logs", tag = "tenants",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        LogsQuery,
        LastLine,
    ),
    responses(
        (
            status = 200, description = "The lines, or a stream of them",
            content((LogLines = "application/json"), (LogLineView = "text/event-stream"))
        ),
    )
)]
pub async fn logs(
    State(app): State<App>,
    of: TenantOf<ReadLogs>,
    Extension(exchange): Extension<Exchange>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answered<Response> {
    let query = read_query(query.as_deref(), &headers)?;
    has_containers(&of.tenant)?;
    let place = if query.follow { Some(app.log_followers.place()?) } else { None };
    let Query { role, tail, after, .. } = query;
    let asked = AskLogs { tenant: of.tenant.id, cluster: of.tenant.cluster(), role, tail, after };
    let asked = app.bus.request(&asked).await;
    let logs = asked.map_err(refusal)?;
    let entry = Entry::new(&exchange, of.identity(), ACTION, "shown".to_owned());
    audit::insert(&app.statements, &[entry]).await?;
    if let Some(place) = place {
        return Ok(told(Feed::of(&app, (&of.tenant, of.identity()), place, &query, logs)));
    }
    let data = logs.lines.into_iter().map(LogLineView::from).collect();
    let shown = LogLines { data, truncated: logs.truncated };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(shown)).into_response())
}

fn refusal(error: BusError) -> Problem {
    if matches!(error, BusError::Remote { kind: Kind::NotFound, .. }) {
        return Problem::new(Code::NotFound).detail("Nothing runs for this tenant.");
    }
    error.into()
}

impl From<wire::LogLine> for LogLineView {
    fn from(line: wire::LogLine) -> Self {
        Self { instance: line.instance, at: line.at, stream: line.stream, text: line.text }
    }
}

#[derive(Debug, PartialEq)]
struct Query {
    role: Option<LoggedRole>,
    tail: u16,
    after: Option<OffsetDateTime>,
    follow: bool,
}

/// Reads the query, or tells everything that is wrong with it.
fn read_query(query: Option<&str>, headers: &HeaderMap) -> Result<Query, Problem> {
    let LogsQuery { role, tail, after, follow } = LogsQuery::of_query(query, &())?;
    let after = follow::last_line(headers)?.or(after);
    let (tail, follow) = (tail.map_or(LINES, |Tail(lines)| lines), follow.is_some_and(|Switch(on)| on));
    Ok(Query { role, tail, after, follow })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: Option<&str>) -> Result<Query, Problem> {
        read_query(query, &HeaderMap::new())
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let wrong = read(Some("role=edge&tail=0&after=yesterday&follow=yes&since=1")).unwrap_err();
        assert_eq!(wrong.errors().len(), 5, "{wrong:?}");
        assert!(read(Some("tail=1001")).is_err());
    }

    #[test]
    fn nothing_asked_for_is_the_end_of_everything() {
        let all = Query { role: None, tail: LINES, after: None, follow: false };
        assert_eq!(read(None).unwrap(), all);
        assert_eq!(read(Some("follow=false")).unwrap(), all);
        let main = read(Some("role=main&tail=5&after=2026-08-01T12:00:00Z")).unwrap();
        assert_eq!((main.role, main.tail, main.after.is_some()), (Some(LoggedRole::Main), 5, true));
    }

    #[test]
    fn a_client_that_comes_back_goes_on_after_its_last_line() {
        let query = Some("follow=true&after=2026-08-01T12:00:00Z");
        let back = |id: &'static str| {
            let last = HeaderMap::from_iter([("last-event-id".parse().unwrap(), id.parse().unwrap())]);
            read_query(query, &last).map(|query| query.after.unwrap().unix_timestamp_nanos())
        };
        assert_eq!(back("1785586200123456789").unwrap(), 1_785_586_200_123_456_789);
        for wrong in ["", "-1", "+1", "x", "99999999999999999999"] {
            assert_eq!(back(wrong).unwrap_err().code(), Code::InvalidRequest, "{wrong}");
        }
    }
}
