-- How many of a tenant's heals were in vain: the pauses between heals grow with these, and not with those that helped. A former release counts
-- none, and goes on pausing by all of them.
alter table tenant_troubles add column in_vain integer not null default 0;
