-- Owners are told until when healing pauses, as everybody who sees the tenant is.
grant select (heal_after) on tenant_troubles to authenticated;
