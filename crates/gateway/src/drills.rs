//! Restore drills, as callers tell of them and as they are shown.

use common::{
    clock,
    id::{BackupId, DrillId, OperationId, TenantId},
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{
    Date, OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description, serde::rfc3339,
};
use utoipa::ToSchema;

use crate::{
    http::{
        fields::{Fault, Field, Text, text},
        one_of::OneOf,
        request::request,
    },
    problem::{FieldError, Pointer, Problem},
    store::drills::Drill,
    tenants::words::Reason,
    vocabulary,
};

request! {
    /// A drill that somebody has held. Nothing at all asks for one to be held.
    pub struct DrillAsked: Request {
        /// The day, or the moment, that it was held. Today when absent.
        #[example = "2026-08-01"]
        drill_date: Option<DrillDate>,
        /// What was restored.
        #[example = "bak_0198c0de0000700080000000000000dd"]
        backup_tested: Option<BackupId>,
        /// Needed with anything else.
        #[example = "passed"]
        result: Option<OneOf<vocabulary::DrillOutcome>>,
        /// What was found that should not be.
        issues_found: Option<Issues>,
        /// How long it took until n8n answered.
        #[example = 12.5]
        rto_minutes: Option<Minutes>,
        /// What became of the data: `not_checked` when absent.
        #[example = "intact"]
        data_integrity: Option<OneOf<vocabulary::DataIntegrity>>,
    }
}

/// A drill that was held by somebody.
#[derive(Debug)]
pub struct Held {
    pub drilled_at: Option<OffsetDateTime>,
    pub backup: Option<BackupId>,
    pub result: OneOf<vocabulary::DrillOutcome>,
    pub issues: Vec<String>,
    pub rto_seconds: Option<f64>,
    pub data_integrity: Option<OneOf<vocabulary::DataIntegrity>>,
}

impl DrillAsked {
    /// What somebody has held; nothing, if they want one to be held.
    pub fn held(self) -> Result<Option<Held>, Problem> {
        let Self { drill_date, backup_tested, result, issues_found, rto_minutes, data_integrity } = self;
        let told = drill_date.is_some()
            || backup_tested.is_some()
            || issues_found.is_some()
            || rto_minutes.is_some()
            || data_integrity.is_some();
        if drill_date.is_some_and(|DrillDate(at)| at > clock::now()) {
            let why = "must not be later than now: it tells of a drill that was held";
            return Err(Problem::fields(vec![FieldError::new(
                Pointer::to("drill_date"),
                "out_of_range",
                why,
            )]));
        }
        match result {
            None if told => {
                let why = "is required to record a drill; nothing at all asks for one to be held";
                Err(Problem::fields(vec![FieldError::new(Pointer::to("result"), "result_required", why)]))
            }
            None => Ok(None),
            Some(result) => Ok(Some(Held {
                drilled_at: drill_date.map(|DrillDate(at)| at),
                backup: backup_tested,
                result,
                issues: issues_found.map_or_else(Vec::new, |Issues(issues)| issues),
                rto_seconds: rto_minutes.map(|Minutes(minutes)| minutes * 60.0),
                data_integrity,
            })),
        }
    }
}

/// A moment, or the beginning of a day in UTC.
#[derive(Debug, Clone, Copy)]
pub struct DrillDate(OffsetDateTime);

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl Text for DrillDate {
    fn parse(text: &str) -> Result<Self, Fault> {
        // A year may have a sign, and a day in a description has none.
        if let (10, Ok(day)) = (text.len(), Date::parse(text, DAY)) {
            return Ok(Self(day.midnight().assume_utc()));
        }
        <OffsetDateTime as Text>::parse(text).map(Self).map_err(|_| {
            Fault::new(
                "invalid_time",
                "must be a day such as 2026-08-01, or a time such as 2026-08-01T12:00:00Z",
            )
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "string", "format": "date" }, { "type": "string", "format": "date-time" }] })
    }
}

/// One text for each.
#[derive(Debug, Clone)]
pub struct Issues(Vec<String>);

const MOST_ISSUES: usize = 50;

impl<R> Field<R> for Issues {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let Value::Array(items) = value else {
            return Err(Fault::new("not_a_list", "must be a list of texts"));
        };
        if items.len() > MOST_ISSUES {
            return Err(Fault::new("too_many", format!("may hold at most {MOST_ISSUES} texts")));
        }
        let read = |(index, item): (usize, &Value)| {
            let issue = text(item).and_then(Reason::parse).map_err(|fault| fault.inside(index))?;
            Ok(issue.as_str().to_owned())
        };
        items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": <Reason as Text>::schema(), "maxItems": MOST_ISSUES })
    }
}

/// A number of them, with fractions.
#[derive(Debug, Clone, Copy)]
pub struct Minutes(f64);

/// A year.
const MOST_MINUTES: f64 = 525_600.0;

impl<R> Field<R> for Minutes {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let minutes = value.as_f64().filter(|minutes| (0.0..=MOST_MINUTES).contains(minutes));
        minutes
            .map(Self)
            .ok_or_else(|| Fault::new("out_of_range", format!("must be a number from 0 to {MOST_MINUTES}")))
    }

    fn schema() -> Value {
        json!({ "type": "number", "minimum": 0, "maximum": MOST_MINUTES })
    }
}

/// One time that a backup was tried out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoreDrill)]
pub struct DrillView {
    #[schema(value_type = String, example = "drl_0198c0de0000700080000000000000ee")]
    id: DrillId,
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    /// When it was held.
    #[serde(with = "rfc3339")]
    drill_date: OffsetDateTime,
    /// What was restored, if that was told.
    #[schema(value_type = Option<String>, example = "bak_0198c0de0000700080000000000000dd")]
    backup_tested: Option<BackupId>,
    #[schema(value_type = vocabulary::DrillResult)]
    result: String,
    /// What was found that should not be.
    issues_found: Vec<String>,
    /// From being asked for to an n8n that answers.
    rto_minutes: Option<f64>,
    #[schema(value_type = Option<vocabulary::DataIntegrity>)]
    data_integrity: Option<String>,
    /// What was looked at, if the platform held it.
    #[schema(value_type = Option<FoundInDrill>)]
    found: Option<Value>,
    /// What holds it; none, if people did.
    #[schema(value_type = Option<String>, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: Option<OperationId>,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
}

/// What a copy had in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundInDrill {
    workflows: u64,
    credentials: u64,
    /// Of those, which open with the backup's key.
    credentials_opened: u64,
    executions: u64,
}

impl From<Drill> for DrillView {
    fn from(drill: Drill) -> Self {
        Self {
            id: drill.id,
            tenant_id: drill.tenant_id,
            drill_date: drill.drilled_at,
            backup_tested: drill.backup_id,
            result: drill.status,
            issues_found: drill.issues.0,
            rto_minutes: drill.rto_seconds.map(|seconds| seconds / 60.0),
            data_integrity: drill.data_integrity,
            found: drill.found,
            operation_id: drill.operation_id,
            ended_at: drill.ended_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    fn read(body: &str) -> Result<Option<Held>, Problem> {
        DrillAsked::of_body(body.as_bytes(), &()).and_then(DrillAsked::held)
    }

    #[test]
    fn nothing_asks_for_one_and_a_result_tells_of_one() {
        for nothing in ["", "{}"] {
            assert!(read(nothing).unwrap().is_none(), "{nothing}");
        }
        let told = read(
            r#"{"result":"failed","drill_date":"2026-08-01","rto_minutes":2.5,"issues_found":[" slow "]}"#,
        );
        let told = told.unwrap().unwrap();
        assert_eq!((told.rto_seconds, told.issues), (Some(150.0), vec!["slow".to_owned()]));
        assert_eq!(told.drilled_at.unwrap().to_string(), "2026-08-01 0:00:00.0 +00:00:00");
        for moment in ["2026-08-01T12:00:00Z", "2026-08-01T12:00:00+02:00"] {
            assert!(read(&format!(r#"{{"result":"passed","drill_date":"{moment}"}}"#)).unwrap().is_some());
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = |body: &str| read(body).err().map(|problem| problem.errors().len());
        let tomorrow = clock::now().date() + time::Duration::DAY;
        assert_eq!(wrong(&format!(r#"{{"result":"passed","drill_date":"{tomorrow}"}}"#)), Some(1));
        assert_eq!(wrong(r#"{"rto_minutes":1}"#), Some(1), "without a result it tells of nothing");
        let all = r#"{"result":"fine","drill_date":"soon","rto_minutes":-1,"issues_found":"none","data_integrity":"yes","backup_tested":"ten_1"}"#;
        assert_eq!(wrong(all), Some(6));
        for day in
            ["20260801", "2026-08", "2026-W31-6", "2026-02-30", "2026-8-1", "-2026-08-01", "+12026-08-01"]
        {
            assert_eq!(wrong(&format!(r#"{{"result":"passed","drill_date":"{day}"}}"#)), Some(1), "{day}");
        }
        assert_eq!(wrong(r#"{"result":"passed","rto_minutes":525601}"#), Some(1));
        assert_eq!(wrong(r#"{"result":"passed","issues_found":["ok",7]}"#), Some(1));
    }
}
