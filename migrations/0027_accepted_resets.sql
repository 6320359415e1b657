-- Which reset of its owner's login was accepted last: it replaces those before it, whatever the clocks of the gateways that drew their ids said.
-- A gateway of the release before does not write it, and says so when it asks for the reset to be done.
alter table tenants add column accepted_reset_id uuid;
