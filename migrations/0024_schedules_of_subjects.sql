-- Schedules of single subjects: a tenant's (02:00 on its own clocks) or a cluster's, made, changed and removed while services run.

alter table schedules
    add column cluster text,
    -- What its job is told besides; shown to whoever may see schedules.
    add column payload jsonb not null default 'null';

-- A thousand of them fire at one moment: the oldest is found without sorting them.
create index schedule_firings_next on schedule_firings (due_at, schedule) where state in ('waiting', 'running');

-- Whoever made a tenant's schedules need not hear that it is gone.
create function retire_schedules() returns trigger language plpgsql as $$
begin
    update schedules set retired_at = now(), updated_at = now() where tenant_id = new.id and retired_at is null;
    return null;
end $$;
create trigger tenants_schedules after update of status on tenants
    for each row when (new.status = 'deleted' and old.status <> 'deleted') execute function retire_schedules();
