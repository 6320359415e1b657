//! `GET /tenants/{id}/logs`

use axum::{
    Extension, Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use common::{bus::BusError, error::Kind};
use http::header;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::{IntoParams, ToSchema};
use wire::{AskLogs, LoggedRole, MOST_LINES};

use super::Data;
use crate::{
    app::App,
    audit::Entry,
    auth::{Access, Role, TenantOf},
    exchange::Exchange,
    http::{fields::Fault, query},
    problem::{Answered, Code, Problem},
    routes::audit::moment,
    store::audit,
};

/// When nothing is said.
const LINES: u16 = 100;

pub enum ReadLogs {}

impl Access for ReadLogs {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some(ACTION);
}

const ACTION: &str = "tenant.logs";

/// Which lines to show.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_query")]
pub struct LogsQuery {
    /// `main` or `worker`; both when absent.
    role: Option<String>,
    /// 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    tail: Option<u16>,
    /// Only what was written after this moment (RFC 3339): to follow, the `at` of the last line.
    after: Option<String>,
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
#[utoipa::path(
    get, path = "/tenants/{id}/logs", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), LogsQuery),
    responses(
        (status = 200, body = Data<Vec<LogLineView>>),
    )
)]
pub async fn logs(
    State(app): State<App>,
    of: TenantOf<ReadLogs>,
    Extension(exchange): Extension<Exchange>,
    RawQuery(query): RawQuery,
) -> Answered<Response> {
    let Query { role, tail, after } = read_query(query.as_deref())?;
    let asked = app.bus.request(&AskLogs { tenant: of.tenant.id, role, tail, after }).await;
    let lines = asked.map_err(refusal)?;
    let entry = Entry::new(&exchange, of.identity(), ACTION, "shown".to_owned());
    audit::insert(&app.statements, &[entry]).await?;
    let data: Vec<_> = lines.into_iter().map(LogLineView::from).collect();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
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
}

/// Reads the query, or tells everything that is wrong with it.
fn read_query(query: Option<&str>) -> Result<Query, Problem> {
    let mut fields = query::read(query);
    let role = fields.optional("role", |text| text.parse().map_err(|e| Fault::new("unknown_role", e)));
    let tail = fields.optional("tail", tail);
    let after = fields.optional("after", moment);
    fields.finish()?;
    let tail = tail.flatten().unwrap_or(LINES);
    Ok(Query { role: role.flatten(), tail, after: after.flatten() })
}

fn tail(text: &str) -> Result<u16, Fault> {
    let lines = text.parse().ok().filter(|lines| (1..=MOST_LINES).contains(lines));
    lines.ok_or_else(|| Fault::new("invalid_number", format!("must be 1 to {MOST_LINES}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let wrong = read_query(Some("role=edge&tail=0&after=yesterday&follow=true")).unwrap_err();
        assert_eq!(wrong.errors().len(), 4, "{wrong:?}");
        assert!(read_query(Some("tail=1001")).is_err());
    }

    #[test]
    fn nothing_asked_for_is_the_end_of_everything() {
        let all = Query { role: None, tail: LINES, after: None };
        assert_eq!(read_query(None).unwrap(), all);
        let main = read_query(Some("role=main&tail=5&after=2026-08-01T12:00:00Z")).unwrap();
        assert_eq!((main.role, main.tail, main.after.is_some()), (Some(LoggedRole::Main), 5, true));
    }
}
