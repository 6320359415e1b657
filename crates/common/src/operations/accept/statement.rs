//! The statement's parts, as text. Macros, because services put parts of their own between them.

/// What every statement that changes something on request begins with: `accepted` has a row when it may be done and is asked for
/// the first time. Its parameters are `$1` to `$7`.
#[macro_export]
macro_rules! first_time {
    ($possible:literal) => {
        concat!(
            "with possible as (",
            $possible,
            "), key as (
                 insert into idempotency_keys (subject, key, request_digest, status, headers, body)
                 select $1, $2::text, $3, $4, $5, $6 from possible where $2::text is not null
                 on conflict (subject, key) do nothing
                 returning true
             ), first as (
                 select from key union all select from possible where $2::text is null
             ), signature as (
                 insert into request_signatures (digest)
                 select $7::bytea from first where $7::bytea is not null
                 returning true
             ), accepted as (
                 select from signature union all select from first where $7::bytea is null
             )"
        )
    };
}

/// The whole statement. `possible` yields a row when it can be done; `subject` defines `subject`, which reads `accepted` and yields the
/// tenant's `id` (null for a cluster), its `cluster_id` and its `former_status`, which it becomes again when nothing comes of the operation, when it was. `effect` comes after the operation; both
/// have the parameters from `$25` on for themselves, and `$10` is the tenant. Its place among the tenant's operations is that of its lock on
/// the tenant, not of the transaction's beginning: it may have waited.
#[macro_export]
macro_rules! accepting {
    (possible: $possible:literal, subject: $subject:literal, effect: $effect:literal $(,)?) => {
        concat!(
            $crate::first_time!($possible), ", ", $subject, ", operation as (
                 insert into operations
                     (id, kind, tenant_id, request, priority, actor, correlation_id, traceparent, not_before, deadline,
                      service, lane, alone, parent_id, cluster_id, former_status, next_status, created_at, due_at)
                 select $8, $9, subject.id, $11, $18, $1, $12, $13, begin.at, begin.at + make_interval(secs => $14),
                        $20, $21, $22, $23, subject.cluster_id, subject.former_status, $24, clock_timestamp(), begin.at
                   from subject, (select greatest(now(), coalesce($19::timestamptz, now())) as at) begin
                 on conflict (id) do nothing
                 returning id, tenant_id, cluster_id
             ), ", $effect, " audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, cluster_id, operation_id, correlation_id, outcome, request_digest, reason)
                 select $15, $1, $16, $9, operation.tenant_id,
                        case when operation.tenant_id is null then operation.cluster_id end,
                        operation.id, $12, 'accepted', $3, $17 from operation
             )
             select exists (select from operation)"
        )
    };
}

/// For a tenant that is there. The lock makes all that is asked of one tenant at once take turns (migration 0030).
pub const ACCEPT: &str = accepting!(
    possible: "select id, status, cluster_id from tenant_that_may($10, $9, $25::text[], $26)",
    subject: "subject as (
                 select possible.id, possible.cluster_id, case when $27::text is not null then possible.status end as former_status
                   from possible, accepted)",
    // `status_before_deleting` is for replicas of a former release.
    effect: "turned as (
                 update tenants t
                    set status = $27, updated_at = now(),
                        status_before_deleting =
                            case $27 when 'deleting' then subject.former_status else t.status_before_deleting end
                   from operation, subject
                  where t.id = operation.tenant_id and $27::text is not null
             ),",
);

/// For a cluster. The lock makes two of a kind at once take turns.
pub const ACCEPT_ON_CLUSTER: &str = accepting!(
    possible: "select c.id from clusters c
                where c.id = $25
                  and not ($26 and exists (select from operations o
                                            where o.tenant_id is null and o.cluster_id = c.id and o.kind = $9
                                              and o.parent_id is null
                                              and o.status in ('queued', 'running', 'undoing', 'stuck')))
                  for update of c",
    subject: "subject as (
                 select null::uuid as id, possible.id as cluster_id, null::text as former_status from possible, accepted)",
    effect: "",
);

/// For a part of another operation. The lock keeps the parent from being called off, or claimed by somebody else, meanwhile.
pub const ACCEPT_PART: &str = accepting!(
    possible: "select p.tenant_id, p.cluster_id from operations p
                where p.id = $23 and p.fence = $25 and p.lease_until > now()
                  and p.status = 'running' and p.cancellation is null
                  for share of p",
    subject: "subject as (
                 select possible.tenant_id as id, possible.cluster_id, null::text as former_status from possible, accepted)",
    effect: "",
);
