-- What is told of steps and operations, at a third of the price.

-- An operation is looked at by its key, whatever was known of the table when the statement was planned. A connection plans a
-- trigger's statement once, and keeps the plan until statistics change: planned while few operations were there, it read all of
-- them for every step that was told, a thousand times as many some minutes later.
create or replace function note_steps() returns trigger language plpgsql set enable_seqscan = off as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
    select 'step.' || s.event, o.tenant_id, s.operation_id, o.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', o.kind, 'step', s.step, 'ordinal', s.ordinal, 'error', event_error(s.error)))
    from written s,
        -- Its own plan (`offset 0`), once for each row: a join could be hashed, and that reads everything too.
        lateral (select tenant_id, correlation_id, kind from operations where id = s.operation_id offset 0) o
    order by s.seq;
    return null;
end $$;

-- It calls what is only stable. While it claimed to be more than that, it could not become part of the statements that use it, and
-- was parsed and planned anew for each row.
alter function event_error(jsonb) stable;
