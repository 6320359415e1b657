//! Every problem there is. A code once published keeps its meaning; clients branch on it.

use common::error::Kind;
use http::StatusCode;

macro_rules! codes {
    ($($variant:ident, $status:ident, $word:literal, $title:literal;)+) => {
        /// What a problem is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// What it means, the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    TokenMissing, UNAUTHORIZED, "token_missing", "The request carries no bearer token.";
    TokenInvalid, UNAUTHORIZED, "token_invalid", "The bearer token is not valid here.";
    TokenExpired, UNAUTHORIZED, "token_expired", "The bearer token is not valid at this time.";
    SignatureMissing, UNAUTHORIZED, "signature_missing", "The request must be signed.";
    SignatureInvalid, UNAUTHORIZED, "signature_invalid", "The signature does not fit the request.";
    SignatureExpired, UNAUTHORIZED, "signature_expired", "The signature's time is more than 300 seconds off.";
    SignatureRepeated, UNAUTHORIZED, "signature_repeated", "This signed request was answered before: sign it anew.";
    Unauthenticated, UNAUTHORIZED, "unauthenticated", "It is not proven who is asking.";
    Forbidden, FORBIDDEN, "forbidden", "This role may not do that.";
    NotFound, NOT_FOUND, "not_found", "There is no such thing.";
    MethodNotAllowed, METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not take that method.";
    RequestTimeout, REQUEST_TIMEOUT, "request_timeout", "The request did not arrive in time.";
    Conflict, CONFLICT, "conflict", "The request contradicts the present state.";
    SubdomainTaken, CONFLICT, "subdomain_taken", "Another tenant has this subdomain.";
    ComplianceUnmet, CONFLICT, "compliance_unmet", "No cluster complies with all that the tenant must comply with.";
    PlanTooLarge, CONFLICT, "plan_too_large", "No cluster can run a container of this plan.";
    NoRoom, CONFLICT, "no_room", "No cluster has room for another tenant of this plan.";
    NoSharedN8n, CONFLICT, "no_shared_n8n", "No n8n that tenants share takes another one.";
    ExternalN8n, CONFLICT, "external_n8n", "The platform does not run this n8n, and cannot do that with it as things are.";
    NoRestorableBackup, CONFLICT, "no_restorable_backup", "The tenant has no backup that can be restored.";
    BackupNotRestorable, CONFLICT, "backup_not_restorable", "This backup cannot be restored.";
    TooManySandboxes, CONFLICT, "too_many_sandboxes", "The tenant has as many sandboxes as can be.";
    InstanceInUse, CONFLICT, "instance_in_use", "Tenants live in this n8n.";
    RemovalUnderWay, CONFLICT, "removal_under_way", "The tenant is being removed already.";
    OperationOver, CONFLICT, "operation_over", "The operation has ended already.";
    OperationUndoing, CONFLICT, "operation_undoing", "The operation is being undone already.";
    OperationIrrevocable, CONFLICT, "operation_irrevocable", "Such an operation has no way back once it has started.";
    OperationStuck, CONFLICT, "operation_stuck", "The operation is stuck: it can be resumed or abandoned.";
    OperationNotStuck, CONFLICT, "operation_not_stuck", "Only an operation that is stuck can be resumed or abandoned.";
    LastBackup, CONFLICT, "last_backup", "The tenant could be restored from no other backup.";
    BackupInUse, CONFLICT, "backup_in_use", "Something is restored from the backup.";
    BackupHeld, CONFLICT, "backup_held", "The backup is under a legal hold.";
    BackupsOff, UNPROCESSABLE_ENTITY, "backups_off", "The platform keeps no backups.";
    TooManyKeys, CONFLICT, "too_many_keys", "There are as many API keys as can be.";
    DeadLetterDecided, CONFLICT, "dead_letter_decided", "Somebody has decided about this dead letter already.";
    RequestInFlight, CONFLICT, "request_in_flight", "A request with this idempotency key is still being accepted.";
    BodyTooLarge, PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than 64 kB.";
    UnsupportedMediaType, UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Bodies are JSON.";
    InvalidRequest, BAD_REQUEST, "invalid_request", "The request cannot be understood.";
    InvalidJson, BAD_REQUEST, "invalid_json", "The body is not JSON.";
    InvalidFields, UNPROCESSABLE_ENTITY, "invalid_fields", "Some fields are not valid.";
    SharedTenant, UNPROCESSABLE_ENTITY, "shared_tenant",
        "The tenant shares an n8n with others: it has no containers of its own.";
    IdempotencyKeyReused, UNPROCESSABLE_ENTITY, "idempotency_key_reused",
        "This idempotency key belongs to a different request.";
    HeadersTooLarge, REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "The headers are too large.";
    TenantDeleted, GONE, "tenant_deleted", "The tenant is deleted already.";
    Throttled, TOO_MANY_REQUESTS, "throttled", "Too many requests.";
    Internal, INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.";
    Upstream, BAD_GATEWAY, "upstream", "A dependency answered with an error.";
    Unavailable, SERVICE_UNAVAILABLE, "unavailable", "A dependency is not answering. Try again later.";
    Overloaded, SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting to be done. Try again later.";
    Timeout, SERVICE_UNAVAILABLE, "timeout", "It took too long. It may or may not have happened.";
}

impl Code {
    /// The general code of a kind of failure.
    pub const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Invalid => Self::InvalidFields,
            Kind::Unauthenticated => Self::Unauthenticated,
            Kind::Forbidden => Self::Forbidden,
            Kind::NotFound => Self::NotFound,
            Kind::Conflict => Self::Conflict,
            Kind::Throttled => Self::Throttled,
            Kind::Unavailable => Self::Unavailable,
            Kind::Timeout => Self::Timeout,
            Kind::Upstream => Self::Upstream,
            Kind::Internal => Self::Internal,
        }
    }

    /// Whether this answers what was asked for, by how things are. Otherwise nobody has got as far as that, or it would be answered the same for
    /// as long as its signature is good: the very same request may be sent again.
    pub fn is_an_answer(self) -> bool {
        let none = [StatusCode::UNAUTHORIZED, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        let status = self.status();
        status.is_client_error()
            && !none.contains(&status)
            && !matches!(self, Self::RequestInFlight | Self::IdempotencyKeyReused)
    }

    /// The code that a bare status of the router or a layer stands for.
    pub fn of_status(status: StatusCode) -> Self {
        let general = [
            Self::Unauthenticated,
            Self::Forbidden,
            Self::NotFound,
            Self::MethodNotAllowed,
            Self::RequestTimeout,
            Self::Conflict,
            Self::BodyTooLarge,
            Self::UnsupportedMediaType,
            Self::InvalidFields,
            Self::HeadersTooLarge,
            Self::Throttled,
            Self::Upstream,
            Self::Unavailable,
        ];
        let fallback = if status.is_server_error() { Self::Internal } else { Self::InvalidRequest };
        general.into_iter().find(|code| code.status() == status).unwrap_or(fallback)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn what_may_be_sent_again_as_it_is_was_not_answered() {
        let answers = |code: Code| code.is_an_answer();
        assert!(
            [Code::NotFound, Code::Conflict, Code::NoRoom, Code::TenantDeleted, Code::InvalidFields]
                .map(answers)
                .iter()
                .all(|is| *is)
        );
        let others = [
            Code::RequestInFlight,
            Code::IdempotencyKeyReused,
            Code::SignatureRepeated,
            Code::Throttled,
            Code::Overloaded,
            Code::Timeout,
            Code::Internal,
        ];
        assert!(others.map(answers).iter().all(|is| !is));
    }

    #[test]
    fn a_kind_and_its_code_have_the_same_status() {
        let kinds = [Kind::Invalid, Kind::Unauthenticated, Kind::Forbidden, Kind::NotFound, Kind::Conflict];
        let later = [Kind::Throttled, Kind::Unavailable, Kind::Timeout, Kind::Upstream, Kind::Internal];
        for kind in kinds.into_iter().chain(later) {
            assert_eq!(Code::of_kind(kind).status().as_u16(), kind.http_status());
        }
    }
}
