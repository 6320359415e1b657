//! A new key, with its answer and its entry in the audit log.

use common::{first_time, id::AuditId, operations::accept::bind_first_time};
use sqlx::PgExecutor;

use crate::{
    auth::{Command, Grant, KeyText},
    idempotency::Answer,
    store::accept::{AcceptError, once},
};

/// Keys of owners that are good and name one tenant. Whoever needs more forgets to revoke.
pub const MOST_OF_A_TENANT: i64 = 100;
/// Keys of all other roles that are good: each is in the memory of each gateway.
pub const MOST_OF_STAFF: i64 = 10_000;

/// A key to be.
pub struct CreateKey<'a> {
    pub text: &'a KeyText,
    pub grant: &'a Grant,
}

const STATEMENT: &str = concat!(
    first_time!(
        "select where case when $12::uuid[] is null
             then (select count(*) from api_keys k
                    where k.role <> 'owner' and k.revoked_at is null and k.expires_at > now()) < $18
             else not exists (
                 select from api_keys k, unnest(k.tenants) tenant
                  where k.tenants && $12 and tenant = any($12) and k.revoked_at is null and k.expires_at > now()
                  group by tenant having count(*) >= $17) end"
    ),
    ", made as (
         insert into api_keys (id, name, hash, role, tenants, scopes, created_by, ancestors, expires_at, created_at)
         select $8, $9, $10, $11, $12, $13, $1, $14, $15, $21 from accepted
         returning id, name
     ), audit as (
         insert into audit_logs (id, actor, role, action, correlation_id, outcome, request_digest, reason)
         select $16, $1, $19, 'key.create', $20, 'accepted', $3, 'key_' || replace(made.id::text, '-', '') || ', ' || made.name
           from made
     )
     select exists (select from made)"
);

impl CreateKey<'_> {
    /// Makes it. `false`: nothing was written, because its key of idempotency was used before or because there are too many.
    pub async fn accept<A, T>(
        &self,
        executor: impl PgExecutor<'_>,
        command: &Command<A, T>,
        answer: &Answer,
    ) -> Result<bool, AcceptError> {
        let (identity, grant, once) = (command.identity(), self.grant, once(command, answer));
        let scopes: Vec<_> = grant.scopes.iter().map(|scope| scope.as_str()).collect();
        let statement = bind_first_time(sqlx::query_scalar(STATEMENT), identity.subject(), Some(&once))
            .bind(self.text.id())
            .bind(grant.name.as_str())
            .bind(self.text.hash())
            .bind(grant.role.as_str())
            .bind(grant.tenants.as_deref())
            .bind(scopes)
            .bind(identity.key().map(|key| key.line()).unwrap_or_default())
            .bind(grant.expires_at)
            .bind(AuditId::generate())
            .bind(MOST_OF_A_TENANT)
            .bind(MOST_OF_STAFF)
            .bind(identity.role().as_str())
            .bind(command.exchange().correlation_id())
            .bind(grant.created_at);
        Ok(statement.fetch_one(executor).await?)
    }
}
