-- Who has an operation that has not ended, and how many heal: asked by each pass of each reconciler, of all tenants. The other indexes leave out
-- what is stuck, or know only what runs; without this one each pass reads every operation there ever was.
create index operations_unfinished on operations (tenant_id) where status in ('queued', 'running', 'undoing', 'stuck');
