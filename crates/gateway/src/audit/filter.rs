//! The query of `GET /audit`.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Outcome;
use crate::{
    http::{
        cursor::Page,
        fields::{Fault, Text, texts},
        request::request,
    },
    tenants::{TenantName, words::Subject},
};

request! {
    /// Which entries to list.
    pub struct Filter: Request {
        /// One tenant's id or subdomain.
        tenant: Option<TenantName>,
        /// Who asked: a token's subject, or a key's id.
        actor: Option<Subject>,
        /// What was asked for, such as `tenant.create`.
        action: Option<Action>,
        /// `accepted`, `already`, `shown`, `refused`, or a problem's code: refused with that.
        outcome: Option<Outcome>,
        /// Not before this moment (RFC 3339).
        since: Option<OffsetDateTime>,
        ..page: Page,
    }
}

texts! {
    /// What was asked for, in two words. Services of a later version have more of them.
    Action;
}

impl Text for Action {
    fn parse(text: &str) -> Result<Self, Fault> {
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let is_one = text.split_once('.').is_some_and(|(family, what)| word(family) && word(what));
        let fault = || Fault::new("invalid_action", "must be two words such as `tenant.create`");
        is_one.then(|| Self(text.to_owned())).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[a-z_]+\\.[a-z_]+$" })
    }
}

impl Text for Outcome {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fault = "must be `accepted`, `already`, `shown`, `refused`, or the code of a problem";
        Self::of_word(text).ok_or_else(|| Fault::new("unknown_outcome", fault))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::words().collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_two_words() {
        assert!(Action::parse("dead_letter.replay").is_ok());
        for bad in ["tenant", "tenant.", ".create", "tenant.create.now", "a\0b.c", "Tenant.create"] {
            let fault = Action::parse(bad).map(|action| action.0).map_err(|fault| fault.code);
            assert_eq!(fault, Err("invalid_action"), "{bad:?}");
        }
    }
}
