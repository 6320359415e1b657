-- Why a step failed, for those who run the platform; owners are not shown it.
alter table operation_steps add column cause text;

-- Which reset a tenant's owner got this password by; null: it is the first one.
alter table tenant_secrets add column reset_id uuid;
