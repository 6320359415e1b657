-- What answers in place of a tenant's sides, which stay where they are for when it ends: a gateway of the release before, which does not
-- look here, sends calls to them, and the edge says of them that they are not ready.
alter table routes add column stand_in text constraint routes_stand_in_check check (stand_in in ('suspended'));
