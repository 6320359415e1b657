-- Each time that the record itself was brought back from a copy of an earlier moment (ADR 56), and what followed from it.
create table recoveries (
    id                   uuid primary key default gen_random_uuid(),
    -- The folder of the copy.
    set                  text not null,
    -- What happened between this and the next is not in the record.
    restored_to          timestamptz not null,
    recovered_at         timestamptz not null default now(),
    -- Operations that were open at that moment and go on, and those that were ended because their outcome is in the store.
    operations_continued bigint not null,
    operations_ended     bigint not null
);
call guard_table('recoveries');

-- What has to happen to a record that was brought back from a copy of this moment, before anybody works on it. In one transaction; the same copy is
-- gone by once.
create function note_recovery(from_set text, of_moment timestamptz) returns uuid language plpgsql as $$
declare
    -- More than can have been given out since: 2^53 of them are not reached in a million recoveries.
    beyond constant bigint := 1000000000;
    ended bigint;
    continued bigint;
    recovery uuid;
begin
    -- What was told since bore the numbers that would come next. Whoever saw them takes a number that comes again for what they have seen.
    perform setval(pg_get_serial_sequence('events', 'id'), greatest((select max(id) from events), (select published_id from event_relay), 0) + beyond);
    perform setval(pg_get_serial_sequence('event_outbox', 'seq'), coalesce((select max(seq) from event_outbox), 0) + beyond);

    -- A backup that was being made has come to its end since: made again under its name, it would replace what may be the last good one by a copy of
    -- a database that was lost.
    update operations set status = 'rolled_back', finished_at = now(), lease_owner = null, lease_until = null,
                          error = jsonb_build_object('kind', 'conflict', 'detail', 'The record was restored to a moment before its end.')
     where kind = 'tenant.backup' and status in ('queued', 'running', 'undoing');
    get diagnostics ended = row_count;
    update operations parent set child_ended = true
      from operations part
     where part.parent_id = parent.id and part.kind = 'tenant.backup' and part.status = 'rolled_back' and part.finished_at = now()
       and parent.status in ('queued', 'running', 'undoing');

    -- All others are taken up where they were: their steps may be repeated. That time passed meanwhile is not their fault, and undoing what has
    -- succeeded since would take it away. Whoever held one before is a former holder.
    update operations set deadline = deadline + (now() - of_moment), lease_owner = null, lease_until = null, fence = fence + 1000
     where status in ('queued', 'running', 'undoing');
    get diagnostics continued = row_count;

    -- Nights that have passed have had their backups. The schedules come back, due from then on, when the service declares them.
    update schedule_firings f set state = 'failed', finished_at = now(), lease_until = null,
                                  error = jsonb_build_object('kind', 'conflict', 'detail', 'The record was restored to a moment before its end.')
      from schedules s
     where s.name = f.schedule and s.service = 'backup' and f.state in ('waiting', 'running');
    update schedules set retired_at = now(), updated_at = now() where service = 'backup' and retired_at is null;
    update schedule_firings set lease_until = null, fence = fence + 1000 where state in ('waiting', 'running');

    insert into recoveries (set, restored_to, operations_continued, operations_ended)
    values (from_set, of_moment, continued, ended) returning id into recovery;
    insert into event_outbox (kind, data) values ('record.recovered',
        jsonb_build_object('restored_to', of_moment, 'operations_continued', continued, 'operations_ended', ended));
    return recovery;
end $$;
revoke execute on function note_recovery(text, timestamptz) from public;
