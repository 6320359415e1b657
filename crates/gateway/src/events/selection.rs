//! Which events somebody asks for, and from where on.

use common::id::{OperationId, TenantId};
use http::HeaderMap;
use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    auth::Scope,
    http::{
        fields::{Fault, Text, texts},
        request::{self, Request, request},
    },
    problem::{Code, Problem},
    store::events::Event,
    tenants::TenantName,
};

const LAST_EVENT_ID: &str = "last-event-id";
/// The first parts of all kinds.
const FAMILIES: [&str; 8] =
    ["operation", "step", "tenant", "instance", "schedule", "backup", "rollout", "dead_letter"];

/// Which events, of those that may be seen at all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
    pub kind: Option<KindFilter>,
}

impl Selection {
    /// Where it is followed from unless somebody says otherwise: an operation from its beginning.
    pub fn anew(&self) -> Since {
        if self.operation.is_some() { Since::Beginning } else { Since::Now }
    }

    /// Whether somebody with this scope is told of this event. The same question as the record is asked for old ones.
    pub fn takes(&self, scope: &Scope, event: &Event) -> bool {
        scope.sees(event.tenant_id)
            && (scope.sees_the_platforms_own() || !event.the_platforms_own)
            && self.tenant.is_none_or(|tenant| event.tenant_id == Some(tenant))
            && self.operation.is_none_or(|operation| event.operation_id == Some(operation))
            && self.kind.as_ref().is_none_or(|kind| kind.takes(&event.kind))
    }
}

texts! {
    /// A kind, or a family of them.
    KindFilter;
}

impl KindFilter {
    fn takes(&self, kind: &str) -> bool {
        kind == self.0 || kind.split_once('.').is_some_and(|(family, _)| family == self.0)
    }
}

impl Text for KindFilter {
    fn parse(text: &str) -> Result<Self, Fault> {
        let (family, what) = text.split_once('.').unwrap_or((text, "any"));
        let word = !what.is_empty() && what.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if FAMILIES.contains(&family) && word {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(
            "unknown_kind",
            "must be `operation`, `step`, `tenant`, `instance`, `schedule`, `backup`, `rollout` or `dead_letter`, alone or as in `step.failed`",
        ))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": format!("^({})(\\.[a-z_]+)?$", FAMILIES.join("|")) })
    }
}

/// From where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// What happens from now on.
    Now,
    /// Everything that is kept.
    Beginning,
    /// What came after this event, without a gap.
    Event(i64),
}

impl Text for Since {
    fn parse(text: &str) -> Result<Self, Fault> {
        // `parse` alone would read a sign too.
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let fault = || Fault::new("invalid_event", "must be the id of an event, or 0 for all that are kept");
        match text.parse().ok().filter(|_| digits).ok_or_else(fault)? {
            0 => Ok(Self::Beginning),
            id => Ok(Self::Event(id)),
        }
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int64", "minimum": 0 })
    }
}

request! {
    /// Which events to follow.
    pub struct EventsQuery: Request {
        /// Only those of this tenant, by its id or subdomain.
        tenant: Option<TenantName>,
        /// A family (`operation`, `step`, `tenant`) or one kind (`step.failed`).
        kind: Option<KindFilter>,
        /// Everything after this event; 0 for all that are kept, a week. Without it, what happens from now on.
        since: Option<Since>,
    }
}

request! {
    /// From where on to follow one operation.
    pub struct OperationEventsQuery: Request {
        /// Only what came after this event
        since: Option<Since>,
    }
}

/// The header that says which event a client was told last.
pub enum LastEventId {}

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        request::header(
            LAST_EVENT_ID,
            "Wins over `since`",
            json!({ "type": "string", "pattern": "^[0-9]{1,18}$" }),
        )
    }
}

/// What somebody asks to follow.
#[derive(Debug, Clone)]
pub struct Following {
    /// Whose, if not everybody's: to be looked up for the selection.
    pub tenant: Option<TenantName>,
    pub selection: Selection,
    pub since: Since,
}

/// Reads the query of `/events` and `/ws`, and where the caller was cut off the last time.
pub fn read_query(text: Option<&str>, headers: &HeaderMap) -> Result<Following, Problem> {
    let EventsQuery { tenant, kind, since } = EventsQuery::of_query(text, &())?;
    let selection = Selection { kind, ..Selection::default() };
    let since = last_event_id(headers)?.or(since).unwrap_or(selection.anew());
    Ok(Following { tenant, selection, since })
}

/// The same for one operation, which is told from its beginning.
pub fn read_operation_query(
    operation: OperationId,
    text: Option<&str>,
    headers: &HeaderMap,
) -> Result<Following, Problem> {
    let OperationEventsQuery { since } = OperationEventsQuery::of_query(text, &())?;
    let selection = Selection { operation: Some(operation), ..Selection::default() };
    let since = last_event_id(headers)?.or(since).unwrap_or(selection.anew());
    Ok(Following { tenant: None, selection, since })
}

/// Sent by browsers when they connect again; it wins over the address, which they do not change.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Since>, Problem> {
    let invalid = || {
        Problem::new(Code::InvalidRequest)
            .detail("The header Last-Event-ID must be given once and hold the id of an event.")
    };
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| Since::parse(text).ok()).filter(|_| values.next().is_none());
    id.map(Some).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (LAST_EVENT_ID.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_header_wins_over_the_address() {
        let read = |query, headers: &[&'static str]| read_query(query, &last(headers)).unwrap().since;
        assert_eq!(read(None, &[]), Since::Now);
        assert_eq!(read(Some("since=0"), &[]), Since::Beginning);
        assert_eq!(read(Some("since=7"), &["9"]), Since::Event(9));
    }

    #[test]
    fn what_is_no_event_is_a_problem() {
        for bad in ["", "-1", "+1", "1.0", "x", " 1", "9223372036854775808"] {
            let problem = read_query(None, &last(&[bad])).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidRequest, "{bad:?}");
        }
        assert!(read_query(None, &last(&["1", "1"])).is_err());
        let problem = read_query(Some("since=x&kind=x&tenant=X&other=1"), &last(&[])).unwrap_err();
        assert_eq!(problem.errors().len(), 4);
    }

    #[test]
    fn a_family_takes_all_its_kinds_and_a_kind_itself() {
        let takes = |filter: &str, kind| KindFilter::parse(filter).unwrap().takes(kind);
        assert!(takes("step", "step.failed") && takes("step.failed", "step.failed"));
        assert!(takes("backup", "backup.verified") && !takes("backup", "tenant.backup"));
        assert!(!takes("step", "operation.failed") && !takes("step.failed", "step.undone"));
        for bad in ["", "ste", "step.", "step.failed.x", "STEP", "step.%"] {
            assert!(KindFilter::parse(bad).is_err(), "{bad:?}");
        }
    }
}
