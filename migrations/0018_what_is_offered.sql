-- What is offered, so that what cannot be kept is not promised.

-- What the cluster complies with, as its provisioner was told: `gdpr`, `hipaa`, …
alter table clusters add column compliance text[] not null default '{}';

-- How far a tenant may be scaled beyond what its plan says, in hundredths of that.
alter table plans add column ceiling_percent integer not null default 200
    constraint plans_ceiling_percent_check check (ceiling_percent between 100 and 1000);
