//! A drill that somebody has held is kept with those of the platform.

use common::id::DrillId;
use sqlx::types::Json;

use super::{Steering, steering};
use crate::{
    auth::Role,
    drills::Held,
    problem::{Code, Problem},
    store::{accept::Accepting, tenants::Tenant},
};

/// One drill, under the name that it will have.
#[derive(Debug)]
pub struct RecordDrill {
    pub drill: DrillId,
    pub held: Held,
}

impl Steering for RecordDrill {
    type Target = Tenant;
    const STATEMENT: &'static str = steering!(
        possible: "select from tenants t
                    where t.id = $8 and t.purpose = 'customer' and t.status <> 'deleted'
                      and ($15::uuid is null or exists (select from backups b where b.id = $15 and b.tenant_id = t.id))",
        effect: "drill as (
                 insert into restore_drills (id, tenant_id, backup_id, asked_by, drilled_at, status, ended_at, issues, rto_seconds, data_integrity)
                 select $14, $8, $15, $1, coalesce($16, now()), $17, now(), $18, $19, coalesce($20, 'not_checked') from accepted
                 returning tenant_id
             )",
        changed: "select tenant_id, null::uuid as operation_id from drill",
    );
    const ACTION: &'static str = "tenant.drill_recorded";
    // Whoever is measured by them does not write them.
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];

    fn reason(&self) -> Option<&str> {
        None
    }

    fn refusal(tenant: &Tenant) -> Problem {
        if tenant.the_platforms_own {
            return Problem::new(Code::Conflict)
                .detail("It is no customer's tenant: nothing of it is restored.");
        }
        Problem::new(Code::NotFound).detail("The tenant has no such backup.")
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        let Held { drilled_at, backup, result, issues, rto_seconds, data_integrity } = &self.held;
        statement
            .bind(self.drill)
            .bind(*backup)
            .bind(*drilled_at)
            .bind(result.as_str())
            .bind(Json(issues))
            .bind(*rto_seconds)
            .bind(data_integrity.as_ref().map(|word| word.as_str()))
    }
}
