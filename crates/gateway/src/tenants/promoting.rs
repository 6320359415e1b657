//! Out of an n8n that a tenant shares into one of its own: how that is asked for, and what is told of it beforehand.

use std::time::Duration;

use common::{clock, id::PromotionId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use wire::{Window, WindowError, kinds::TenantPromote};

use super::words::Reason;
use crate::{
    http::{
        fields::{Fault, Field, Text},
        request::request,
    },
    problem::{Answered, Code, FieldError, Pointer, Problem},
    store::{
        promotions::{Open, Usual},
        room::{Room, Wanted},
        tenants::Tenant,
    },
};

request! {
    /// How a tenant gets an n8n of its own. Nothing has to be said.
    pub struct PromotionAsked: Request {
        /// The longest that its callers wait: 1 to 60 minutes, 10 when absent. Past it the tenant is back where it was.
        #[example = 10]
        ttl_minutes: Option<TtlMinutes>,
        /// Whether its executions go along; true when absent.
        include_executions: Option<bool>,
        /// When it may begin: from a moment on, or between two with `/` between them, within 90 days; at once when absent. Until then the tenant stays as it is.
        #[example = "2026-12-01T01:00:00Z/2026-12-01T03:00:00Z"]
        window: Option<Window>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "The customer asked for it."]
        reason: Option<Reason>,
    }
}

/// For how long callers may wait.
#[derive(Debug, Clone, Copy)]
pub struct TtlMinutes(u32);

impl<R> Field<R> for TtlMinutes {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let most = TenantPromote::MOST_TTL_MINUTES;
        let minutes = value.as_u64().and_then(|minutes| u32::try_from(minutes).ok());
        let minutes = minutes.filter(|minutes| (1..=most).contains(minutes));
        minutes
            .map(Self)
            .ok_or_else(|| Fault::new("out_of_range", format!("must be a whole number from 1 to {most}")))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": TenantPromote::MOST_TTL_MINUTES })
    }
}

impl PromotionAsked {
    /// What the operation is asked, under this name.
    pub fn request(&self, promotion: PromotionId) -> TenantPromote {
        TenantPromote {
            promotion,
            ttl_minutes: self
                .ttl_minutes
                .map_or(TenantPromote::USUAL_TTL_MINUTES, |TtlMinutes(minutes)| minutes),
            executions: self.include_executions.unwrap_or(true),
            window: self.window,
        }
    }
}

/// How far away a window may begin.
const FURTHEST: time::Duration = time::Duration::days(90);

impl Text for Window {
    fn parse(text: &str) -> Result<Self, Fault> {
        let window: Self = text.parse().map_err(|error| {
            Fault::new(if error == WindowError::Backwards { "out_of_range" } else { "invalid_time" }, error)
        })?;
        if window.from - clock::now() > FURTHEST {
            return Err(Fault::new("out_of_range", "must begin within 90 days"));
        }
        Ok(window)
    }

    fn schema() -> Value {
        let moment = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})";
        json!({ "type": "string", "pattern": format!("^{moment}(/{moment})?$") })
    }
}

/// Whether there is still time for it. One that is under way is asked for again after its window, too.
pub fn can_begin(request: &TenantPromote) -> Answered<()> {
    match request.window {
        Some(window) if window.is_over(clock::now()) => {
            let over = FieldError::new(Pointer::to("window"), "out_of_range", "is over");
            Err(Problem::fields(vec![over]))
        }
        _ => Ok(()),
    }
}

/// Whether one that is under way was asked for with the same. Each has a name of its own: that is no difference.
pub fn is_the_same(request: &TenantPromote, open: &Open) -> bool {
    let ttl = Duration::from_secs(open.ttl_seconds.unsigned_abs().into());
    let window = request.window.map(|window| window.to_string());
    (request.executions, request.ttl(), window) == (open.executions, ttl, open.in_window.clone())
}

/// What is taken for the time in which callers wait, in minutes, as long as nobody knows better. n8n starts meanwhile.
const USUAL_DOWNTIME_MINUTES: f64 = 1.0;

/// One after the other, in words for people.
const STEPS: [&str; 10] = [
    "A backup is made and read back.",
    "A place, a database and a network of its own are set aside.",
    "Everything is copied while the tenant works on.",
    "n8n is started once on the copy.",
    "Its calls are held, or told to come back.",
    "Schedules and triggers stop, and executions that run come to their end.",
    "What there is now is copied.",
    "n8n starts on it, and every webhook and schedule that was active is active again.",
    "Its addresses lead to it.",
    "What it had in the shared n8n is kept for 24 hours, and then removed.",
];

/// What is going to be done.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionPlan {
    /// For how long callers wait, by the promotions of late; no promise.
    #[schema(example = 0.75)]
    estimated_downtime_minutes: f64,
    /// One after the other, in words for people.
    #[schema(value_type = Vec<String>)]
    migration_steps: [&'static str; STEPS.len()],
}

impl PromotionPlan {
    /// The same for everybody, but for how long it usually takes.
    pub fn by(usual: &Usual) -> Self {
        let minutes = usual.frozen_seconds.map_or(USUAL_DOWNTIME_MINUTES, |seconds| seconds / 60.0);
        Self { estimated_downtime_minutes: (minutes * 100.0).round() / 100.0, migration_steps: STEPS }
    }
}

/// Whether it is a tenant of which somebody would want that.
pub fn is_a_customers(tenant: &Tenant) -> Answered<()> {
    if !tenant.the_platforms_own {
        return Ok(());
    }
    let detail =
        "It is no customer's tenant: it has an n8n of its own, and keeps it for as long as it is there.";
    Err(Problem::new(Code::Conflict).detail(detail))
}

/// What the tenant's cluster lacks for an n8n of its own, if anything.
pub fn obstacle(plan: &str, wanted: &Wanted, room: &Room) -> Option<Problem> {
    let cores = |millis: i32| f64::from(millis) / 1000.0;
    let lacks = |has: Option<i32>, wants: i32| has.is_some_and(|has| has < wants);
    let few = room.connections.filter(|left| *left < i64::from(wanted.connections));
    let detail = if lacks(room.cpu_millis, wanted.cpu_millis) || lacks(room.memory_mb, wanted.memory_mb) {
        format!(
            "Each container of the plan `{plan}` takes {} cores and {} MB of memory; the tenant's cluster has {} and {} MB.",
            cores(wanted.cpu_millis),
            wanted.memory_mb,
            cores(room.cpu_millis.unwrap_or_default()),
            room.memory_mb.unwrap_or_default(),
        )
    } else if let Some(left) = few {
        format!(
            "The plan `{plan}` takes {} connections to the tenants' database server, and the tenant's cluster has {} left. Ask again when somebody has left.",
            wanted.connections,
            left.max(0),
        )
    } else if room.subnets.is_some_and(|left| left < 1) {
        "Every subnet that the tenant's cluster has is in use. Ask again when somebody has left.".to_owned()
    } else {
        return None;
    };
    Some(Problem::new(Code::NoRoom).detail(detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    fn read(body: &str) -> Result<TenantPromote, String> {
        let read = PromotionAsked::of_body(body.as_bytes(), &());
        let request = read.map(|asked| asked.request(PromotionId::generate()));
        request.map_err(|problem| json!(problem.errors()).to_string())
    }

    #[test]
    fn nothing_has_to_be_said_and_what_is_said_counts() {
        for (body, said) in [
            ("", (10, true)),
            ("{}", (10, true)),
            (r#"{"ttl_minutes":null,"include_executions":null}"#, (10, true)),
            (r#"{"ttl_minutes":1,"include_executions":false,"reason":"It grew."}"#, (1, false)),
            (r#"{"ttl_minutes":60}"#, (60, true)),
        ] {
            let request = read(body).unwrap();
            assert_eq!((request.ttl_minutes, request.executions), said, "{body}");
        }
        for (body, words) in [
            (r#"{"ttl_minutes":0}"#, ["/ttl_minutes", "from 1 to 60"]),
            (r#"{"ttl_minutes":61}"#, ["/ttl_minutes", "from 1 to 60"]),
            (r#"{"ttl_minutes":2.5}"#, ["/ttl_minutes", "out_of_range"]),
            (r#"{"ttl_minutes":"10"}"#, ["/ttl_minutes", "out_of_range"]),
            (r#"{"include_executions":"no"}"#, ["/include_executions", "not_a_boolean"]),
            (r#"{"executions":false}"#, ["/executions", "unknown_field"]),
            (r#"{"window":"tonight"}"#, ["/window", "invalid_time"]),
            (r#"{"window":"2999-12-01T01:00:00Z"}"#, ["/window", "within 90 days"]),
            (
                r#"{"window":"2999-12-01T03:00:00Z/2999-12-01T01:00:00Z"}"#,
                ["/window", "must end after it begins"],
            ),
        ] {
            let refused = read(body).unwrap_err();
            assert!(words.iter().all(|word| refused.contains(word)), "{body}: {refused}");
        }
    }

    #[test]
    fn callers_wait_for_as_long_as_others_did() {
        let told = |frozen_seconds| {
            let plan = PromotionPlan::by(&Usual { seconds: None, frozen_seconds });
            serde_json::to_value(plan).unwrap()["estimated_downtime_minutes"].clone()
        };
        assert_eq!([None, Some(45.0), Some(100.0)].map(told), [json!(1.0), json!(0.75), json!(1.67)]);
    }

    #[test]
    fn what_the_cluster_lacks_is_named_with_its_figures() {
        let wanted = Wanted { cpu_millis: 2000, memory_mb: 2048, connections: 18 };
        let room = |cpu_millis, memory_mb, connections, subnets| Room {
            cpu_millis: Some(cpu_millis),
            memory_mb: Some(memory_mb),
            connections: Some(connections),
            subnets: Some(subnets),
        };
        let unknown = Room { cpu_millis: None, memory_mb: None, connections: None, subnets: None };
        for (room, words) in [
            (unknown, None),
            (room(2000, 2048, 18, 1), None),
            (
                room(1500, 2048, 18, 1),
                Some("takes 2 cores and 2048 MB of memory; the tenant's cluster has 1.5 and 2048 MB"),
            ),
            (room(2000, 1024, 18, 1), Some("has 2 and 1024 MB")),
            (
                room(2000, 2048, 17, 1),
                Some(
                    "takes 18 connections to the tenants' database server, and the tenant's cluster has 17 left",
                ),
            ),
            (room(2000, 2048, -3, 1), Some("has 0 left")),
            (room(2000, 2048, 18, 0), Some("Every subnet")),
        ] {
            let problem = obstacle("pro", &wanted, &room);
            assert_eq!(problem.is_some(), words.is_some(), "{room:?}");
            let (Some(problem), Some(words)) = (problem, words) else { continue };
            assert_eq!(problem.code(), Code::NoRoom);
            assert!(problem.explanation().contains(words), "{problem}");
        }
    }
}
