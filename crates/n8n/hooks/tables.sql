-- What stands in the tables of an n8n that tenants share: a trigger on its webhooks, and the role of tenants. Run by whoever may work in these
-- tables, as often as one likes.
DO $$ BEGIN
    CREATE TRIGGER rp9_webhooks_are_own BEFORE INSERT OR UPDATE ON public.webhook_entity
        FOR EACH ROW EXECUTE FUNCTION rp9.webhooks_are_own();
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
ALTER TABLE public.webhook_entity ENABLE TRIGGER rp9_webhooks_are_own;

-- Whom a tenant is in n8n: a role that sees neither users nor tags nor anything else that is everybody's. n8n brings its own roles up to
-- date at each start and leaves those alone that are not its own.
INSERT INTO public.role (slug, "displayName", description, "roleType", "systemRole")
VALUES ('global:tenant', 'Tenant', 'One tenant of a shared n8n', 'global', false)
ON CONFLICT (slug) DO UPDATE SET "roleType" = excluded."roleType", "systemRole" = false;
-- Before its first start n8n has no scopes, and knows them by the same words afterwards.
INSERT INTO public.scope (slug, "displayName") VALUES ('dataTable:list', 'List data tables'), ('apiKey:create', 'Create API keys'),
    ('apiKey:update', 'Update API keys') ON CONFLICT (slug) DO NOTHING;
DELETE FROM public.role_scope WHERE "roleSlug" = 'global:tenant' AND "scopeSlug" NOT IN ('dataTable:list', 'apiKey:create', 'apiKey:update');
INSERT INTO public.role_scope ("roleSlug", "scopeSlug")
SELECT 'global:tenant', slug FROM public.scope WHERE slug IN ('dataTable:list', 'apiKey:create', 'apiKey:update') ON CONFLICT DO NOTHING;
