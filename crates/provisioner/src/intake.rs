//! Commands from the bus: wake-ups, and operations that other services want.
//!
//! What is submitted here becomes the same row that a request to the API becomes, and goes the same way from there on.

use common::{
    bus::{Bus, Carried, Outcome},
    clock,
    dead_letters::DeadLetters,
    error::Kind,
    operations::{Asked, NewOperation, Priority},
    role::Role,
    service::Tasks,
};
use sqlx::PgPool;
use time::Duration;
use wire::{Order, PROVISIONER, ProvisionerCommand, SubmitOperation, kinds};

use crate::store::intake::{self, Submitted};

/// Nobody plans further ahead; more is a sender's mistake in units.
const FURTHEST: Duration = Duration::days(90);

/// Takes commands among `tasks`; `wake` tells the worker that there is something to drive.
pub fn listen(tasks: &Tasks, bus: Bus, record: PgPool, wake: impl Fn() + Clone + Send + Sync + 'static) {
    let (stopping, dead) = (tasks.stopping(), DeadLetters::new(record.clone()));
    tasks.spawn("commands", async move {
        let handle = |command: ProvisionerCommand, carried| {
            let (record, wake) = (record.clone(), wake.clone());
            async move {
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
            }
        };
        bus.consume(PROVISIONER, dead, stopping, handle).await;
    });
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
    let wanted = match wanted(&submitted, priority, &carried, correlation_id) {
        Ok(wanted) => wanted,
        Err(detail) => return Outcome::Failed { kind: Kind::Invalid, detail },
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
) -> Result<NewOperation<'a>, String> {
    let word = &submitted.kind;
    let kind =
        kinds::of_word(word).ok_or_else(|| format!("`{word}` is not a kind of operation known here."))?;
    if kind.from.is_empty() || !kind.is_open_to(Role::Service) {
        return Err(format!("`{word}` cannot be asked for over the bus."));
    }
    let visible =
        |actor: &&str| (1..=100).contains(&actor.len()) && actor.bytes().all(|b| b.is_ascii_graphic());
    let actor = carried.actor.as_deref().filter(visible);
    let actor = actor.ok_or("`rp9-actor` must say who sends it: 1 to 100 visible ASCII characters.")?;
    if submitted.not_before.is_some_and(|moment| moment - clock::now() > FURTHEST) {
        return Err("`not_before` is more than 90 days away.".into());
    }
    Ok(NewOperation {
        id: submitted.operation,
        kind,
        tenant: submitted.tenant,
        request: (kind.read)(&submitted.request)
            .map_err(|why| format!("`request` is not one of `{word}`: {why}"))?,
        priority: Some(priority),
        not_before: submitted.not_before,
        parent: None,
        asked: Asked {
            actor,
            role: Role::Service,
            correlation_id,
            traceparent: carried.traceparent.as_deref(),
            reason: submitted.reason.as_deref(),
        },
    })
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
        Carried { actor: Some(actor.into()), ..Carried::default() }
    }

    #[test]
    fn who_does_not_say_who_it_is_is_refused() {
        let read = |carried| wanted(&submitted(), Priority::Normal, &carried, "c").is_ok();
        assert!(read(from("service:autoscaler")));
        for carried in [Carried::default(), from(""), from("two words"), from(&"x".repeat(101))] {
            assert!(!read(carried));
        }
    }

    #[test]
    fn what_nobody_here_knows_or_may_ask_for_this_way_is_refused() {
        let read = |kind: &str| {
            let submitted = SubmitOperation { kind: kind.into(), ..submitted() };
            wanted(&submitted, Priority::Normal, &from("service:a"), "c").is_ok()
        };
        assert!(read("tenant.delete") && read("tenant.heal"));
        assert!(!read("tenant.create") && !read("tenant.explode") && !read(""));
    }

    #[test]
    fn a_request_that_is_none_of_its_kind_is_refused_with_the_reason() {
        let read = |request| {
            let submitted = SubmitOperation { request, ..submitted() };
            wanted(&submitted, Priority::Normal, &from("service:a"), "c").map(|new| new.request)
        };
        assert_eq!(read(json!({})).unwrap(), json!({ "reasons": [], "restart": [], "renew": [] }));
        assert!(read(json!({ "restart": "main" })).unwrap_err().contains("invalid type"));
        assert!(read(json!({ "restrat": [] })).unwrap_err().contains("unknown field `restrat`"));
    }

    #[test]
    fn a_moment_far_away_is_a_mistake() {
        let at = |days| {
            let not_before = Some(clock::now() + Duration::days(days));
            let submitted = SubmitOperation { not_before, ..submitted() };
            wanted(&submitted, Priority::Low, &from("service:a"), "c").is_ok()
        };
        assert!(at(89) && at(-1) && !at(91));
    }
}
