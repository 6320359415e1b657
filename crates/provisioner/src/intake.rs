//! Commands from the bus: wake-ups, and operations that other services want.
//!
//! What is submitted here becomes the same row that a request to the API becomes, and goes the same way from there on.

use common::{
    bus::{Carried, Outcome},
    clock,
    error::Kind,
    operations::{Asked, NewOperation, Priority},
    role::Role,
};
use futures::future::BoxFuture;
use sqlx::PgPool;
use time::Duration;
use wire::{Order, ProvisionerCommand, SubmitOperation, asked_in, kinds};

use crate::store::intake::{self, Submitted};

/// Nobody plans further ahead; more is a sender's mistake in units.
const FURTHEST: Duration = Duration::days(90);

/// The actor of a command whose subject does not say who sent it.
const UNPROVEN: &str = "unproven";

/// What is done with each command; `wake` tells the worker that there is something to drive.
pub fn commands(
    record: PgPool,
    wake: impl Fn() + Clone + Send + Sync + 'static,
) -> impl Fn(ProvisionerCommand, Carried) -> BoxFuture<'static, Outcome> + Send + Sync + 'static {
    move |command, carried| {
        let (record, wake) = (record.clone(), wake.clone());
        Box::pin(async move {
            match command.order {
                Order::Wake(_) => wake(),
                Order::Submit(submitted) => {
                    let outcome = submit(&record, submitted, command.priority, carried).await;
                    if outcome != Outcome::Done {
                        return outcome;
                    }
                    wake();
                }
            }
            Outcome::Done
        })
    }
}

/// Accepts what is submitted, once: the same again is done already.
async fn submit(
    record: &PgPool,
    submitted: SubmitOperation,
    priority: Priority,
    carried: Carried,
) -> Outcome {
    let own = submitted.operation.to_string();
    let correlation_id = carried.correlation_id.as_deref().unwrap_or(&own);
    let refused = |detail| Outcome::Failed { kind: Kind::Invalid, detail };
    let by = match by(&carried, submitted.reason.clone()) {
        Ok(by) => by,
        Err(detail) => return refused(detail),
    };
    let wanted = match wanted(&submitted, priority, &carried, correlation_id, &by) {
        Ok(wanted) => wanted,
        Err(detail) => return refused(detail),
    };
    match intake::accept(record, &wanted).await {
        Ok(Submitted::Accepted) => {
            let (kind, actor) = (wanted.kind.name, wanted.asked.actor);
            metrics::counter!("rp9_operations_submitted_total", "kind" => kind).increment(1);
            tracing::info!(operation_id = %wanted.id, operation.kind = kind, actor, "an operation was submitted");
            Outcome::Done
        }
        Ok(Submitted::Before) => Outcome::Done,
        Ok(Submitted::AnotherHasItsId) => {
            let detail = "Another operation has this id.".into();
            Outcome::Failed { kind: Kind::Conflict, detail }
        }
        Ok(Submitted::Impossible) => {
            let detail = "The tenant is not there, or not in a state in which this can be done.".into();
            Outcome::Failed { kind: Kind::Conflict, detail }
        }
        Err(error) => Outcome::failed(&error),
    }
}

/// The operation that is asked for, checked as if it had come over HTTP.
fn wanted<'a>(
    submitted: &'a SubmitOperation,
    priority: Priority,
    carried: &'a Carried,
    correlation_id: &'a str,
    by: &'a By,
) -> Result<NewOperation<'a>, String> {
    let word = &submitted.kind;
    let kind =
        kinds::of_word(word).ok_or_else(|| format!("`{word}` is not a kind of operation known here."))?;
    if kind.from.is_empty() || !kind.is_open_to(Role::Service) {
        return Err(format!("`{word}` cannot be asked for over the bus."));
    }
    let request =
        (kind.read)(&submitted.request).map_err(|why| format!("`request` is not one of `{word}`: {why}"))?;
    // None comes before every moment.
    let not_before = submitted.not_before.max(asked_in(&request).map(|window| window.from));
    if not_before.is_some_and(|moment| moment - clock::now() > FURTHEST) {
        return Err("It may not begin within 90 days (`not_before`, `window`).".into());
    }
    Ok(NewOperation {
        id: submitted.operation,
        kind,
        subject: submitted.tenant.into(),
        request,
        priority: Some(priority),
        deadline: None,
        not_before,
        parent: None,
        asked: Asked {
            actor: &by.actor,
            role: Role::Service,
            correlation_id,
            traceparent: carried.traceparent.as_deref(),
            reason: by.reason.as_deref(),
        },
    })
}

/// Who wants it, and why, as the audit log is told.
struct By {
    actor: String,
    reason: Option<String>,
}

/// The user that the bus has let in. For whom it says that it acts goes before the reason.
fn by(carried: &Carried, reason: Option<String>) -> Result<By, String> {
    let claimed = carried.actor.as_deref();
    if claimed.is_some_and(|claimed| claimed.len() > 100 || !claimed.bytes().all(|b| b.is_ascii_graphic())) {
        return Err("`rp9-actor` is 1 to 100 visible ASCII characters.".into());
    }
    let actor = carried.sender.as_ref().map(|sender| format!("service:{sender}"));
    let claimed = claimed.filter(|claimed| !claimed.is_empty() && actor.as_deref() != Some(claimed));
    let reason = match (claimed, reason) {
        (Some(claimed), Some(reason)) => Some(format!("for {claimed}: {reason}")),
        (Some(claimed), None) => Some(format!("for {claimed}")),
        (None, reason) => reason,
    };
    // Without a sender it was published for the release before, which did not prove who sends.
    Ok(By { actor: actor.unwrap_or_else(|| UNPROVEN.to_owned()), reason })
}

#[cfg(test)]
mod tests {
    use common::id::{OperationId, TenantId};
    use serde_json::json;

    use super::*;

    fn submitted() -> SubmitOperation {
        SubmitOperation {
            operation: OperationId::generate(),
            kind: "tenant.heal".into(),
            tenant: TenantId::generate(),
            request: json!({}),
            not_before: None,
            reason: None,
        }
    }

    fn from(actor: &str) -> Carried {
        Carried { actor: Some(actor.into()), sender: Some("autoscaler".into()), ..Carried::default() }
    }

    /// What the operation that is asked for is told.
    fn asked(submitted: &SubmitOperation, priority: Priority) -> Result<serde_json::Value, String> {
        let carried = from("service:a");
        let by = by(&carried, None).unwrap();
        wanted(submitted, priority, &carried, "c", &by).map(|new| new.request)
    }

    #[test]
    fn who_wants_it_is_who_was_let_in_whatever_they_say() {
        let read = |carried, reason: Option<&str>| {
            by(&carried, reason.map(str::to_owned)).map(|by| (by.actor, by.reason))
        };
        let told = |actor: &str, reason: Option<&str>| Ok((actor.to_owned(), reason.map(str::to_owned)));
        let nobody_else = Carried { actor: None, ..from("") };
        for carried in [from("service:autoscaler"), from(""), nobody_else] {
            assert_eq!(read(carried, Some("load")), told("service:autoscaler", Some("load")));
        }
        let for_ada = told("service:autoscaler", Some("for user:ada: load"));
        assert_eq!(read(from("user:ada"), Some("load")), for_ada);
        assert_eq!(read(from("user:ada"), None), told("service:autoscaler", Some("for user:ada")));
        let former = Carried { sender: None, ..from("service:autoscaler") };
        assert_eq!(read(former, None), told("unproven", Some("for service:autoscaler")));
        for nonsense in ["two words", &"x".repeat(101)] {
            assert!(read(from(nonsense), None).is_err());
        }
    }

    #[test]
    fn what_nobody_here_knows_or_may_ask_for_this_way_is_refused() {
        let read = |kind: &str| {
            let submitted = SubmitOperation { kind: kind.into(), ..submitted() };
            asked(&submitted, Priority::Normal).is_ok()
        };
        assert!(read("tenant.delete") && read("tenant.heal"));
        assert!(!read("tenant.create") && !read("tenant.explode") && !read(""));
    }

    #[test]
    fn a_request_that_is_none_of_its_kind_is_refused_with_the_reason() {
        let read = |request| {
            let submitted = SubmitOperation { request, ..submitted() };
            asked(&submitted, Priority::Normal)
        };
        assert_eq!(
            read(json!({})).unwrap(),
            json!({ "reasons": [], "restart": [], "renew": [], "idle": [] })
        );
        assert!(read(json!({ "restart": "main" })).unwrap_err().contains("invalid type"));
        assert!(read(json!({ "restrat": [] })).unwrap_err().contains("unknown field `restrat`"));
    }

    #[test]
    fn a_moment_far_away_is_a_mistake() {
        let at = |days| {
            let not_before = Some(clock::now() + Duration::days(days));
            let submitted = SubmitOperation { not_before, ..submitted() };
            asked(&submitted, Priority::Low).is_ok()
        };
        assert!(at(89) && at(-1) && !at(91));
    }
}
