-- Calls are held while a main is restarted: whoever waits for it has a page of its own.
alter table routes drop constraint routes_stand_in_check,
    add constraint routes_stand_in_check check (stand_in in ('suspended', 'restoring', 'waiting'));

-- When the delivery that is under way began: the next call of its path is sent when this one has surely arrived.
alter table held_calls add column sent_at timestamptz;
create index held_calls_under_way on held_calls (tenant_id, path) where state = 'delivering';
