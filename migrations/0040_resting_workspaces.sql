-- What a tenant that shares an n8n had running when it was let rest: exactly that runs again when it is resumed. Noted before anything is
-- stopped, and never overwritten by what is seen half-way.
create table resting_workspaces (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    -- Ids of workflows, each with the version that was active.
    workflows jsonb not null,
    -- How many webhooks n8n listened on for it.
    webhooks  bigint not null check (webhooks >= 0),
    noted_at  timestamptz not null default now()
);
call guard_table('resting_workspaces');

-- Who left lately is asked with every look at the routes: of those, and of nobody else.
create index tenants_left on tenants (updated_at) where status in ('failed', 'deleting', 'deleted');
