//! Sandboxes, as callers ask for them and as they are shown.

use common::{
    id::{BackupId, DrillId, OperationId, TenantId},
    public_address::PublicAddress,
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{Date, OffsetDateTime, UtcOffset, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    http::{
        cursor::Page,
        fields::{Fault, Text},
        request::request,
    },
    store::sandboxes::Sandbox,
    tenants::TenantName,
    vocabulary,
};

/// The plan that they are of: nobody else can ask for it.
pub const PLAN: &str = "sandbox";

/// So many a tenant has at once.
pub const MOST: i32 = 2;

request! {
    /// What of a tenant is restored, and where to.
    pub struct RestoreBody: Request {
        /// The backup. When absent, the newest that can be restored.
        #[example = "bak_0198c0de0000700080000000000000dd"]
        backup_id: Option<BackupId>,
        /// Instead of `backup_id`: the newest backup that was taken by then.
        restore_point: Option<OffsetDateTime>,
        /// `true`: into a sandbox beside the tenant, which stays as it is. `false`: in place of what the tenant has.
        restore_to_sandbox: bool,
        /// Whether executions are restored too, as far as the backup holds them; true when absent.
        include_executions: Option<bool>,
        /// In place: whether what the tenant has is backed up before; true when absent.
        safety_backup: Option<bool>,
    }
}

request! {
    /// Which sandboxes to list.
    pub struct Filter: Request {
        /// Those of one tenant: its id or subdomain.
        tenant: Option<TenantName>,
        ..page: Page,
    }
}

impl Text for BackupId {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::new("invalid_id", error))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^bak_[0-9a-f]{32}$" })
    }
}

/// What sandboxes of this tenant are called that are made on this day (UTC), before there is a second one.
pub fn name_on(day: Date, subdomain: &str) -> String {
    let (year, month, day) = (day.year(), u8::from(day.month()), day.day());
    format!("{subdomain}-restore-{year:04}{month:02}{day:02}")
}

/// What the sandbox of a drill is called, by the drill's own name: of the same length, and of no day.
pub fn name_of_drill(drill: DrillId, subdomain: &str) -> String {
    let digits = drill.uuid().simple().to_string();
    format!("{subdomain}-restore-d{}", digits.get(25..).unwrap_or_default())
}

/// The day at this moment, by the calendar that names are made with.
pub fn day_of(moment: OffsetDateTime) -> Date {
    moment.to_offset(UtcOffset::UTC).date()
}

/// The first of `name`, `name-2`, `name-3` … that nobody has.
pub fn free(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let next = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(next).find(is_free).unwrap_or_default()
}

/// A tenant's backup, restored beside it. It reaches nothing outside, nothing in it starts by itself, and it is removed when its time is over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sandbox)]
pub struct SandboxView {
    #[schema(example = "acme-restore-20260801")]
    name: String,
    /// Where whoever is in the backup signs in as they do.
    #[schema(example = "https://acme-restore-20260801.flows.example")]
    sandbox_url: String,
    /// Whose backup it is.
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: BackupId,
    #[schema(value_type = vocabulary::TenantStatus)]
    status: &'static str,
    /// Why it failed, if it did.
    failure: Option<String>,
    n8n_version: String,
    /// What makes it.
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// Removed from then on.
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
}

impl SandboxView {
    /// One of them, with the address it has here.
    pub fn new(sandbox: Sandbox, public: &PublicAddress) -> Self {
        Self {
            sandbox_url: public.login_url(&sandbox.name),
            name: sandbox.name,
            tenant_id: sandbox.of_tenant,
            backup_id: sandbox.backup_id,
            status: sandbox.status.0.as_str(),
            failure: sandbox.failure,
            n8n_version: sandbox.n8n_version,
            operation_id: sandbox.operation_id,
            created_at: sandbox.created_at,
            expires_at: sandbox.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::http::request::Request;

    #[test]
    fn a_name_says_whose_it_is_and_since_when_and_fits_a_label() {
        let late = day_of(datetime!(2026-08-01 23:30 -02:00));
        let name = name_on(late, "acme");
        assert_eq!(name, "acme-restore-20260802");
        assert_eq!(free(&name, &[]), name);
        assert_eq!(free(&name, std::slice::from_ref(&name)), "acme-restore-20260802-2");
        let taken = [name.clone(), format!("{name}-2"), format!("{name}-3")];
        assert_eq!(free(&name, &taken), "acme-restore-20260802-4");
        assert_eq!(free(&name, &[format!("{name}-2")]), name);
        // What a subdomain may be long leaves room for it (RFC 1035: 63).
        assert!(free(&name_on(late, &"a".repeat(40)), &[name_on(late, &"a".repeat(40))]).len() <= 63);
        assert!(name.parse::<common::tenant::Subdomain>().is_err(), "no tenant can have it");
    }

    #[test]
    fn where_to_has_to_be_said() {
        let wrong = |body: &str| {
            RestoreBody::of_body(body.as_bytes(), &()).err().map(|problem| problem.errors().len())
        };
        assert_eq!(wrong(r#"{"restore_to_sandbox":true}"#), None);
        assert_eq!(wrong("{}"), Some(1));
        assert_eq!(
            wrong(r#"{"restore_to_sandbox":"yes","backup_id":"ten_1","restore_point":"now","more":1}"#),
            Some(4)
        );
    }
}
