-- A tenant that shares an n8n has its own part of it, which its project names: in the edge's rules as well as in the paths of its webhooks. Nobody
-- ever gets a part that was somebody else's, or it would get the calls that still come for it.
alter table tenants add constraint tenants_shared_project_check check (shared_project ~ '^[0-9A-Za-z]{16}$');
create unique index tenants_shared_project on tenants (shared_project) where shared_project is not null;
