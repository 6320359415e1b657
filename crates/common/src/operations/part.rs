//! Having another operation done as a part of a step, by whichever service does its kind.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::saga::Asking;
use super::{
    Asked, Class, Context, NewOperation, OperationKind, Part, Request, StepError, StoreError, later,
};
use crate::{error::Kind, id::OperationId, role::Role};

/// How long a step rests that waits for its part, unless that ends before: the bound on what a lost waking costs.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A part that has come to a good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    pub operation: OperationId,
    state: Option<Value>,
}

impl Child {
    /// The state that its last step left, as its saga has it or as far as the reader knows it.
    pub fn state<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        let state = self.state.clone().unwrap_or_default();
        Ok(serde_json::from_value(state).map_err(|_| StoreError::Unreadable)?)
    }
}

/// Which part a step asks for. The same each time, so that a step that is repeated finds it; another one once a person let the operation go
/// on although nothing came of the part before.
pub(super) fn part_id(parent: OperationId, step: &str, number: u32) -> OperationId {
    OperationId::from_uuid(Uuid::new_v5(&parent.uuid(), format!("{step} {number}").as_bytes()))
}

impl<W, R: Request> Context<'_, W, R> {
    /// Has another operation done to the same subject, as a part of this step, and returns its end. Until then the step waits
    /// ([`later`]) and is woken; if the part comes to nothing, the step has failed with its reason, for good. The part runs while its parent
    /// holds the subject, and leaves the tenant's status to it. A step has one part, of the kind that it names as its [`super::Step::child`].
    pub async fn ensure_child<C: Request<Subject = R::Subject>>(
        &self,
        request: &C,
    ) -> Result<Child, StepError> {
        let Asking { step, child, resumptions } = self.asking;
        if child != Some(C::KIND) {
            let detail = format!("The step does not say that it has {} done.", C::KIND.name);
            return Err(StepError::failed(Kind::Internal, detail));
        }
        for number in 0..=resumptions {
            let id = part_id(self.operation(), step, number);
            match self.lease.ensure_part(&self.part(id, request)).await? {
                Part::Accepted | Part::Open => break,
                Part::Succeeded { state } => return Ok(Child { operation: id, state }),
                Part::Failed { .. } if number < resumptions => {}
                Part::Failed { error, cause } => {
                    return Err(came_to_nothing(id, C::KIND, error.as_ref(), cause));
                }
            }
        }
        later(LOOK_AGAIN)
    }

    fn part<'a, C: Request>(&'a self, id: OperationId, request: &C) -> NewOperation<'a> {
        let claimed = self.claimed;
        let asked = Asked {
            actor: &claimed.actor,
            role: Role::Service,
            correlation_id: &claimed.correlation_id,
            traceparent: claimed.traceparent.as_deref(),
            reason: Some("A part of another operation."),
        };
        NewOperation {
            parent: Some(claimed.id),
            ..NewOperation::on(claimed.subject.clone(), id, request, asked)
        }
    }
}

/// Asking again changes nothing, so whatever it was, it counts as what stays wrong.
fn came_to_nothing(
    id: OperationId,
    kind: &OperationKind,
    error: Option<&Value>,
    cause: Option<String>,
) -> StepError {
    let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str);
    let known = text("kind").and_then(|word| Kind::ALL.iter().copied().find(|kind| kind.as_str() == word));
    let detail = text("detail").unwrap_or("It was given up.");
    StepError::Failed {
        kind: known.filter(|kind| Class::of(*kind) == Class::Lasting).unwrap_or(Kind::Conflict),
        detail: format!("Its part {}, {id}, came to nothing: {detail}", kind.name),
        cause: cause.unwrap_or_else(|| detail.to_owned()),
        hint: Some(
            "The part's own journal says more. Whoever lets this operation go on has the part done anew.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_repeated_asks_for_the_same_part_and_no_other_step_does() {
        let parent = OperationId::from_uuid(Uuid::from_u128(1));
        let ids = [part_id(parent, "copy", 0), part_id(parent, "copy", 1), part_id(parent, "check", 0)];
        assert_eq!(ids[0], part_id(parent, "copy", 0));
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        assert_ne!(ids[0], part_id(OperationId::from_uuid(Uuid::from_u128(2)), "copy", 0));
    }
}
