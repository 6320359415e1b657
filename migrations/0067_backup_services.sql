-- Whether backups are made, and whether what they are made into takes them: each cluster's own word, twice a minute.
create table backup_services (
    cluster_id   text primary key references clusters (id) on delete cascade,
    heartbeat_at timestamptz not null,
    store        text not null check (store in ('up', 'down'))
);
call guard_table('backup_services');
