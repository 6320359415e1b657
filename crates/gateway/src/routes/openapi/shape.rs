//! Which problems a route can answer with, by what it asks for.

use serde_json::Value;

use crate::problem::Code;

/// A route as its description shows it.
pub struct Shape<'a> {
    method: &'a str,
    path: &'a str,
    /// It wants a token.
    secured: bool,
    /// It names one thing.
    named: bool,
    /// It takes a query.
    queried: bool,
    /// It follows events.
    follows: bool,
}

impl<'a> Shape<'a> {
    /// Reads it off an operation's description.
    pub fn of(method: &'a str, path: &'a str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array();
        let takes = |place: &str| parameters.is_some_and(|all| all.iter().any(|it| it["in"] == place));
        Self {
            method,
            path,
            secured: operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty()),
            named: takes("path"),
            queried: takes("query"),
            follows: operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "events")),
        }
    }

    /// Whether it changes something.
    pub fn is_command(&self) -> bool {
        self.method != "get"
    }

    /// Whether its callers are known, and counted.
    pub fn is_limited(&self) -> bool {
        self.secured
    }

    /// Whether a backup is restored by it, to stay or to be tried out.
    fn restores(&self) -> bool {
        self.is("post", "/tenants/{id}/restore") || self.is("post", "/tenants/{id}/restore-drill")
    }

    /// Whether it is for those alone who have containers of their own.
    fn of_containers(&self) -> bool {
        let verbs = [
            "/tenants/{id}/restart",
            "/tenants/{id}/scale",
            "/tenants/{id}/upgrade",
            "/tenants/{id}/blue-green",
        ];
        let looks = ["/tenants/{id}/logs", "/tenants/{id}/blue-green/status"];
        verbs.into_iter().any(|path| self.is("post", path))
            || looks.into_iter().any(|path| self.is("get", path))
    }

    /// Whether a tenant is backed up by it, or before it.
    fn backs_up(&self) -> bool {
        let verbs = [
            "/tenants/{id}/backup",
            "/tenants/{id}/upgrade",
            "/tenants/{id}/blue-green",
            "/tenants/{id}/promote",
            "/tenants/{id}/rollback",
            "/upgrades",
        ];
        verbs.into_iter().any(|path| self.is("post", path))
    }

    /// Whether there are tenants who share an n8n to whom it is refused for that.
    fn is_refused_to_who_shares(&self) -> bool {
        let backs_up = self.backs_up() && self.path.starts_with("/tenants/");
        self.is("post", "/tenants/{id}/restore")
            || self.of_containers()
            || backs_up && !self.is("post", "/tenants/{id}/rollback")
    }

    fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

/// Whether a route of this shape can answer with this code. There is no wildcard: a new code is placed here.
pub fn can_answer(code: Code, route: &Shape<'_>) -> bool {
    let command = route.is_command();
    let of = |beginning: &str| route.path.starts_with(beginning);
    let creates = route.is("post", "/tenants") || route.is("post", "/shared-instances");
    let removes = route.is("delete", "/tenants/{id}") || route.is("delete", "/shared-instances/{id}");
    let restores = route.restores();
    let grows = route.is("post", "/tenants/{id}/scale") || route.is("post", "/tenants/{id}/promote");
    let removes_sandbox = route.is("delete", "/sandboxes/{name}");
    let (keeps, of_shared) = (of("/backups/"), of("/shared-instances/"));
    match code {
        Code::Internal | Code::Unavailable | Code::Timeout | Code::HeadersTooLarge => true,
        // A key may lack the scope, whatever its role.
        Code::TokenMissing | Code::TokenInvalid | Code::TokenExpired | Code::Forbidden => route.secured,
        Code::Throttled => route.secured || route.is("get", "/held/{receipt}"),
        // Reads are signed where `SIGNED_READS` says so.
        Code::SignatureMissing | Code::SignatureInvalid | Code::SignatureExpired => route.secured,
        Code::NotFound => route.named,
        Code::SignatureRepeated
        | Code::RequestTimeout
        | Code::BodyTooLarge
        | Code::UnsupportedMediaType
        | Code::InvalidJson
        | Code::RequestInFlight
        | Code::IdempotencyKeyReused => command,
        // A header, or an upgrade that is none.
        Code::InvalidRequest => command || route.follows || route.is("get", "/tenants/{id}/logs"),
        Code::InvalidFields => command || route.queried,
        Code::Conflict => {
            creates || command && (of("/tenants/{id}") || of("/upgrades") || of("/held/") || keeps)
        }
        Code::LastBackup | Code::BackupHeld | Code::BackupInUse => route.is("delete", "/backups/{id}"),
        Code::BackupsOff => route.backs_up(),
        Code::SubdomainTaken => creates,
        Code::PlanTooLarge => creates || restores,
        Code::NoRestorableBackup => restores,
        Code::BackupNotRestorable => restores || route.is("post", "/tenants/{id}/failover"),
        Code::TooManySandboxes => route.is("post", "/tenants/{id}/restore"),
        Code::NoRoom => creates || restores || grows,
        Code::NoSharedN8n => route.is("post", "/tenants") || route.is("post", "/tenants/{id}/failover"),
        Code::ComplianceUnmet => route.is("post", "/tenants") || route.is("patch", "/tenants/{id}"),
        Code::SharedTenant => route.is_refused_to_who_shares(),
        Code::ExternalN8n => removes || command && !restores && route.path.starts_with("/tenants/{id}/"),
        Code::InstanceInUse => route.is("delete", "/shared-instances/{id}"),
        Code::RemovalUnderWay => removes || removes_sandbox || command && of_shared,
        Code::TenantDeleted => removes || restores,
        Code::Overloaded => creates || removes || restores || removes_sandbox,
        Code::OperationOver | Code::OperationUndoing | Code::OperationIrrevocable | Code::OperationStuck => {
            route.is("post", "/operations/{id}/cancel")
        }
        Code::OperationNotStuck => {
            route.is("post", "/operations/{id}/resume") || route.is("post", "/operations/{id}/abandon")
        }
        Code::TooManyKeys => route.is("post", "/keys"),
        Code::DeadLetterDecided => command && route.path.starts_with("/dead-letters"),
        Code::Upstream => {
            route.is("get", "/tenants/{id}/initial-login")
                || route.is("post", "/tenants/{id}/reset-login")
                || route.is("get", "/tenants/{id}/logs")
        }
        // What no route is asked: another method, and general words for kinds of failure that have better ones here.
        Code::MethodNotAllowed | Code::Unauthenticated => false,
    }
}
