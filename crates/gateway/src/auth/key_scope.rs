//! What a key may be limited to, beside its role.

use http::Method;
use serde_json::{Value, json};

use crate::http::fields::{Fault, Text};

macro_rules! scopes {
    ($($scope:ident, $word:literal;)+) => {
        /// One thing that a key may do. A key of a release before does not have those that came after it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum KeyScope { $(#[doc = $word] $scope),+ }

        impl KeyScope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$scope),+];

            /// The word in requests, answers and rows.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$scope => $word),+ }
            }
        }
    };
}

scopes! {
    TenantsRead, "tenants:read";
    TenantsWrite, "tenants:write";
    // What is noted in the audit log although it is only looked at: passwords, what workflows print, and what is taken out of backups.
    TenantsSecrets, "tenants:secrets";
    OperationsRead, "operations:read";
    OperationsWrite, "operations:write";
    EventsRead, "events:read";
    SchedulesRead, "schedules:read";
    SchedulesWrite, "schedules:write";
    DeadLettersRead, "dead_letters:read";
    DeadLettersWrite, "dead_letters:write";
    AuditRead, "audit:read";
    HealthRead, "health:read";
    KeysRead, "keys:read";
    KeysWrite, "keys:write";
}

impl KeyScope {
    /// What a request needs: the first part of its route says of what, its method and whether it is audited say which. `None`: no key may,
    /// until somebody gives the route a place here.
    pub fn needed(method: &Method, route: &str, audited: bool) -> Option<Self> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        Some(match (route.split('/').nth(1)?, reads, audited) {
            ("tenants" | "plans", true, false) => Self::TenantsRead,
            ("tenants" | "backups", true, true) => Self::TenantsSecrets,
            ("tenants", false, _) => Self::TenantsWrite,
            // Tenants too, though the platform's own: their role lets few in.
            ("shared-instances", true, _) => Self::TenantsRead,
            ("shared-instances", false, _) => Self::TenantsWrite,
            ("sandboxes", true, _) | ("backups", true, false) => Self::TenantsRead,
            ("sandboxes" | "backups", false, _) => Self::TenantsWrite,
            // Its receipt is what it takes to see one.
            ("held", false, _) => Self::TenantsWrite,
            // What is done to tenants, to many at once.
            ("upgrades", true, _) => Self::TenantsRead,
            // Nothing is changed by it.
            ("promotions", false, _) => Self::TenantsRead,
            ("upgrades", false, _) => Self::TenantsWrite,
            ("operations", true, _) => Self::OperationsRead,
            ("operations", false, _) => Self::OperationsWrite,
            ("events" | "ws", true, _) => Self::EventsRead,
            ("schedules", true, _) => Self::SchedulesRead,
            ("schedules", false, _) => Self::SchedulesWrite,
            ("dead-letters", true, _) => Self::DeadLettersRead,
            ("dead-letters", false, _) => Self::DeadLettersWrite,
            ("audit", true, _) => Self::AuditRead,
            ("metrics" | "health" | "healthz", true, _) => Self::HealthRead,
            ("keys", true, _) => Self::KeysRead,
            ("keys", false, _) => Self::KeysWrite,
            _ => return None,
        })
    }

    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == word)
    }

    /// Every word.
    pub fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|scope| scope.as_str()).collect()
    }
}

impl Text for KeyScope {
    fn parse(text: &str) -> Result<Self, Fault> {
        let unknown = || format!("must be one of: {}", Self::words().join(", "));
        Self::of_word(text).ok_or_else(|| Fault::new("unknown_scope", unknown()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::words() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_nobody_placed_is_for_no_key() {
        let needed = |method: Method, route, audited| KeyScope::needed(&method, route, audited);
        assert_eq!(needed(Method::GET, "/unheard-of", false), None);
        assert_eq!(needed(Method::POST, "/audit", true), None);
        assert_eq!(needed(Method::HEAD, "/tenants/{id}", false), Some(KeyScope::TenantsRead));
        assert_eq!(needed(Method::GET, "/tenants/{id}/logs", true), Some(KeyScope::TenantsSecrets));
        assert_eq!(needed(Method::GET, "/backups/{id}/extract", true), Some(KeyScope::TenantsSecrets));
        assert_eq!(needed(Method::DELETE, "/keys/{id}", true), Some(KeyScope::KeysWrite));
    }

    #[test]
    fn every_scope_has_a_word_of_its_own() {
        for scope in KeyScope::ALL {
            assert_eq!(KeyScope::of_word(scope.as_str()), Some(*scope));
        }
        assert_eq!(KeyScope::of_word("tenants:"), None);
    }
}
