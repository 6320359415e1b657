//! Which answers that nothing was done for were deserved, as far as callers can know: by what was accepted before they got them.

use std::collections::HashMap;

use common::{id::TenantId, operations::OperationKind};
use time::OffsetDateTime;

use super::history::{History, Life};
use crate::{
    asked::Asked,
    ledger::{Question, Said, Unaccepted},
    load::PATIENCE,
    record::{Operation, Record, Refusal},
};

/// Why this answer was not deserved, if it was not.
pub fn undeserved(
    told: &Unaccepted,
    record: &Record,
    histories: &HashMap<TenantId, History<'_>>,
) -> Option<String> {
    let asked = told.question.asked;
    let deserved = match (asked, told.said) {
        (Asked::Cancel(operation), Said::Impossible) => {
            record.operations.get(&operation).is_some_and(|operation| cannot_be_cancelled(operation, told))
        }
        (asked, said) => {
            let (kind, tenant) = asked.kind().zip(asked.tenant())?;
            let mut lives = histories.get(&tenant)?.expected(told.question.sent, told.answered).into_iter();
            match said {
                Said::So => lives.any(|life| is_so(asked, kind, life)),
                Said::Joined(operation) => {
                    let operation = record.operations.get(&operation);
                    operation.is_some_and(|operation| is_the_same(operation, told))
                        && (kind.ends.is_none() || lives.any(|life| is_so(asked, kind, life)))
                }
                Said::Impossible => {
                    lives.any(|life| life.is_none_or(|life| !kind.from.contains(&life.status)))
                }
            }
        }
    };
    let key = told.question.key;
    (!deserved).then(|| {
        format!("{asked:?} under {key} was not answered rightly with {:?} at {}", told.said, told.answered)
    })
}

/// Why somebody need not have signed anew, unless what was asked for had been refused just before (ADR 41): as its twin, or in an answer that
/// was cut off. One that was accepted is answered by its key.
pub fn unrefused((question, told): &(Question, OffsetDateTime), record: &Record) -> Option<String> {
    let Question { key, asked, .. } = *question;
    let is_it = |refusal: &&Refusal| match asked {
        Asked::Cancel(operation) => refusal.operation_id == Some(operation),
        Asked::Create(_)
        | Asked::Remove(_)
        | Asked::Restart(_)
        | Asked::Suspend(_)
        | Asked::Resume(_)
        | Asked::Scale(..) => {
            refusal.tenant_id == asked.tenant()
                && asked.kind().is_some_and(|kind| kind.name == refusal.action)
        }
    };
    // Both were signed within one second, and the first waited for a lock for some at most.
    let about = *told - PATIENCE..=*told;
    let refused = record.refusals.iter().filter(is_it).any(|refusal| about.contains(&refusal.at));
    (!refused)
        .then(|| format!("{asked:?} under {key} was told at {told} of a signature that nothing had used up"))
}

/// It had ended, or began and has no way back.
fn cannot_be_cancelled(operation: &Operation, told: &Unaccepted) -> bool {
    let unwinds = wire::kinds::of_word(&operation.kind).is_some_and(|kind| kind.unwinds);
    let before = |at: Option<time::OffsetDateTime>| at.is_some_and(|at| at <= told.answered);
    before(operation.finished_at) || !unwinds && before(operation.started_at)
}

/// It is what was asked for, and was under way then.
fn is_the_same(operation: &Operation, told: &Unaccepted) -> bool {
    let asked = told.question.asked;
    let same = asked.kind().is_some_and(|kind| kind.name == operation.kind && kind.single)
        && asked.tenant() == Some(operation.tenant_id);
    let ended = operation.finished_at.is_some_and(|at| at + super::history::SEEN_WITHIN < told.question.sent);
    same && operation.created_at <= told.answered && !ended
}

fn is_so(asked: Asked, kind: &OperationKind, life: Option<Life>) -> bool {
    let Some(life) = life else { return false };
    if let Asked::Scale(_, wish) = asked {
        return kind.from.contains(&life.status) && life.size.with(wish) == life.size;
    }
    kind.ends == Some(life.status)
}
