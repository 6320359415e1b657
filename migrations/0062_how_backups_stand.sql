-- How a tenant's backups stand is told with every tenant: each of these is a look at one row, however many backups there were.
create index backups_restorable on backups (tenant_id, taken_at desc) where status in ('verified', 'proven') and includes_database;
create index backups_proven on backups (tenant_id, proven_at desc) where proven_at is not null;
create index backups_failed on backups (tenant_id, failed_at desc) where failed_at is not null;
