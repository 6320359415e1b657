-- Whether calls to a tenant's webhooks are held while it is suspended, or refused: what its plan says (docs/adr/0071).
alter table plans add column holds_when_suspended boolean not null default false;
update plans set holds_when_suspended = true where name in ('pro', 'enterprise');
