-- A part of a cluster that somebody took for a tick, and did not come to the end of, is looked at by another in the same tick (docs/adr/0050).
alter table collector_shards
    -- When it was last taken. Null: by a release that does not say so, and is left alone.
    add column begun timestamptz,
    -- The tick in which it was last looked at to the end.
    add column done bigint not null default 0;
