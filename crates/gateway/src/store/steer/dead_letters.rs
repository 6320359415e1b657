//! Deciding about a message that could not be handled.

use super::{Steerable, Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, dead_letters::DeadLetter},
};

impl Steerable for DeadLetter {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

/// A dead letter to be sent again.
#[derive(Debug)]
pub struct ReplayDeadLetter {
    noted: String,
}

/// A dead letter to be given up.
#[derive(Debug)]
pub struct DeleteDeadLetter {
    noted: String,
}

/// The audit log has no column for a dead letter, which may be gone when somebody reads it.
fn noted(letter: &DeadLetter) -> String {
    format!("{}, {}", letter.id, letter.subject)
}

/// Somebody else has decided since.
fn decided(letter: &DeadLetter) -> Problem {
    Problem::new(Code::DeadLetterDecided)
        .detail(format!("It is {} already: there is nothing left to decide.", letter.state))
}

impl ReplayDeadLetter {
    pub fn new(letter: &DeadLetter) -> Self {
        Self { noted: noted(letter) }
    }
}

impl DeleteDeadLetter {
    pub fn new(letter: &DeadLetter) -> Self {
        Self { noted: noted(letter) }
    }
}

impl Steering for ReplayDeadLetter {
    type Target = DeadLetter;
    const STATEMENT: &'static str = steering!(
        possible: "select from dead_letters d where d.id = $8 and d.state = 'waiting' for update of d",
        effect: "letter as (
                 update dead_letters d set state = 'replaying' from accepted where d.id = $8
                 returning d.tenant_id, d.operation_id
             )",
        changed: "select tenant_id, operation_id from letter",
    );
    const ACTION: &'static str = "dead_letter.replay";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(letter: &DeadLetter) -> Problem {
        decided(letter)
    }
}

impl Steering for DeleteDeadLetter {
    type Target = DeadLetter;
    // One that was sent, or is being sent, is decided about: it stays as a trace of that until it is forgotten.
    const STATEMENT: &'static str = steering!(
        possible: "select from dead_letters d where d.id = $8 and d.state = 'waiting' for update of d",
        effect: "letter as (
                 delete from dead_letters d using accepted where d.id = $8
                 returning d.tenant_id, d.operation_id
             )",
        changed: "select tenant_id, operation_id from letter",
    );
    const ACTION: &'static str = "dead_letter.delete";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(letter: &DeadLetter) -> Problem {
        decided(letter)
    }
}
