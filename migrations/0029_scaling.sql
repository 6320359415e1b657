-- A tenant may have another number of workers than it was made with. How many executions each of them runs at once stays as it was, so that
-- one more takes work off the others without their being restarted. Null: it was never scaled.
alter table tenant_limits add column base_workers integer check (base_workers > 0);
