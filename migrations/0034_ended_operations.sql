-- Operations that ended long ago are forgotten (`OPERATIONS_KEPT_DAYS`), the oldest first.
create index operations_ended on operations (finished_at) where finished_at is not null;
