-- A promotion may be asked for that begins later (docs/adr/0070).

-- When it may begin, as whoever asked for it said: `from`, or `from/until`. Null: at once.
alter table promotions add column in_window text;
grant select (in_window) on promotions to authenticated;

-- As before (0070), but for that.
create or replace function note_promotion_asked_for() returns trigger language plpgsql as $$
begin
    insert into promotions (id, tenant_id, operation_id, executions, ttl_seconds, asked_by, in_window)
    values (substr(new.request ->> 'promotion', 5)::uuid, new.tenant_id, new.id,
            coalesce((new.request ->> 'executions')::boolean, true), (new.request ->> 'ttl_minutes')::integer * 60, new.actor,
            new.request ->> 'window');
    return null;
end $$;
