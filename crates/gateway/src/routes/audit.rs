//! `GET /audit`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use common::id::{AuditId, OperationId, TenantId};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset, serde::rfc3339};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    audit::Outcome,
    auth::{Access, Caller, Role},
    http::{
        cursor::{Cursor, Page},
        fields::Fault,
        query,
    },
    problem::{Answered, Problem},
    store::audit::{Filter, Noted, page},
    tenants::{TenantName, words},
    vocabulary,
};

pub enum ReadAudit {}

impl Access for ReadAudit {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}

/// Which entries to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_filter")]
pub struct AuditQuery {
    /// One tenant's id or subdomain.
    tenant: Option<String>,
    /// Who asked: a token's subject.
    actor: Option<String>,
    /// What was asked for, such as `tenant.create`.
    action: Option<String>,
    /// `accepted`, `shown`, `refused`, or a problem's code: refused with that.
    outcome: Option<String>,
    /// Not before this moment (RFC 3339).
    since: Option<String>,
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Who asked for what, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    #[schema(value_type = String)]
    id: AuditId,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    actor: String,
    #[schema(value_type = vocabulary::CallerRole)]
    role: String,
    #[schema(example = "tenant.create")]
    action: String,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    correlation_id: String,
    /// `accepted`, `shown`, or `refused: ` and the problem's code.
    #[schema(value_type = vocabulary::AuditOutcome)]
    outcome: String,
    /// Why, in the words of whoever asked. Of what is about something without an id here, and of what was refused, also what it named: a
    /// tenant's id or subdomain, a dead letter, a schedule.
    reason: Option<String>,
    /// Its place in the chain of hashes; absent for the seconds until it is chained.
    position: Option<i64>,
}

/// A page of entries, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    data: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists who asked for what, and what came of it.
#[utoipa::path(
    get, path = "/audit", tag = "audit",
    security(("token" = ["admin", "operator"])),
    params(AuditQuery),
    responses(
        (status = 200, body = AuditPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller<ReadAudit>,
    RawQuery(query): RawQuery,
) -> Answered<Json<AuditPage>> {
    let filter = read_filter(query.as_deref())?;
    let tenant = TenantName::id_of(filter.tenant.as_ref(), &app.reader(caller.scope())).await?;
    let mut noted = page(&app.statements, &filter, tenant).await?;
    let next_cursor = filter.page.cut(&mut noted, |last| Cursor { at: last.at, id: last.id.uuid() });
    Ok(Json(AuditPage { data: noted.into_iter().map(AuditEntry::from).collect(), next_cursor }))
}

/// Reads the query, or tells everything that is wrong with it.
pub fn read_filter(query: Option<&str>) -> Result<Filter, Problem> {
    let mut fields = query::read(query);
    let tenant = TenantName::read(&mut fields);
    let actor = fields.optional("actor", words::subject);
    let action = fields.optional("action", action);
    let outcome = fields.optional("outcome", outcome);
    let since = fields.optional("since", moment);
    let page = Page::read(&mut fields);
    fields.finish()?;
    let (actor, action, outcome, since) =
        (actor.flatten(), action.flatten(), outcome.flatten(), since.flatten());
    Ok(Filter { tenant, actor, action, outcome, since, page: page.unwrap_or_default() })
}

/// What an action looks like, as the description of the API says it. Services of a later version have more of them.
pub const ACTION: &str = "^[a-z_]+\\.[a-z_]+$";

fn action(text: &str) -> Result<String, Fault> {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_one = text.split_once('.').is_some_and(|(family, what)| word(family) && word(what));
    let fault = || Fault::new("invalid_action", "must be two words such as `tenant.create`");
    is_one.then(|| text.to_owned()).ok_or_else(fault)
}

fn outcome(text: &str) -> Result<Outcome, Fault> {
    let fault = "must be `accepted`, `shown`, `refused`, or the code of a problem";
    Outcome::of_word(text).ok_or_else(|| Fault::new("unknown_outcome", fault))
}

/// Any moment that can be told in UTC: the last hours of the year 9999 cannot everywhere, and the record asks for it.
pub fn moment(text: &str) -> Result<OffsetDateTime, Fault> {
    let moment = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok();
    let in_utc = moment.and_then(|moment| moment.checked_to_offset(UtcOffset::UTC));
    in_utc.ok_or_else(|| Fault::new("invalid_time", "must be a time such as 2026-08-01T12:00:00Z"))
}

impl From<Noted> for AuditEntry {
    fn from(noted: Noted) -> Self {
        let Noted {
            id,
            at,
            actor,
            role,
            action,
            tenant_id,
            operation_id,
            correlation_id,
            outcome,
            reason,
            position,
        } = noted;
        Self {
            id,
            at,
            actor,
            role,
            action,
            tenant_id,
            operation_id,
            correlation_id,
            outcome,
            reason,
            position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_two_words() {
        assert!(action("dead_letter.replay").is_ok());
        for bad in ["tenant", "tenant.", ".create", "tenant.create.now", "a\0b.c", "Tenant.create"] {
            assert_eq!(action(bad).map_err(|fault| fault.code), Err("invalid_action"), "{bad:?}");
        }
    }

    #[test]
    fn every_moment_that_has_a_name_in_utc_is_a_moment() {
        for good in ["2026-08-01T12:00:00Z", "0370-10-13T03:53:16+21:01", "0000-01-01T00:00:00+23:59"] {
            assert!(moment(good).is_ok_and(|moment| moment.offset().is_utc()), "{good}");
        }
        for bad in ["9999-12-31T23:59:59-00:01", "2026-08-01", "2026-08-01T12:00:00", "yesterday", ""] {
            assert_eq!(moment(bad).map_err(|fault| fault.code), Err("invalid_time"), "{bad}");
        }
    }
}
