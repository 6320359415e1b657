-- Two changes that were not told: an operation that somebody cancels turns back later than it is asked to, and what the
-- reconciler finds is told by the provisioner itself (`tenant.drifted`).

create function note_cancellation() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data) values (
        'operation.cancelled', new.tenant_id, new.id, new.correlation_id,
        jsonb_build_object('operation_kind', new.kind, 'status', new.status, 'ended', new.finished_at is not null));
    return null;
end $$;
create trigger operations_cancelled after update of cancellation on operations
    for each row when (old.cancellation is null and new.cancellation is not null)
    execute function note_cancellation();
