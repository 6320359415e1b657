-- What the platform keeps in the database of an n8n that tenants share, in a schema of its own: n8n's migrations touch nothing outside of
-- `public`. Run by whoever owns the database, as often as one likes, and before `tables.sql`; {role} is n8n's login. Nothing here touches a table
-- of n8n's. `hooks.cjs` refuses executions without it.
CREATE SCHEMA IF NOT EXISTS rp9;

-- One row a tenant. An execution of a project that is neither in here nor the platform's own does not begin.
CREATE TABLE IF NOT EXISTS rp9.tenant (
    project_id       varchar(36) PRIMARY KEY,
    user_id          uuid NOT NULL UNIQUE,
    concurrent       integer NOT NULL CHECK (concurrent > 0),
    -- None is no limit.
    executions_month bigint CHECK (executions_month > 0),
    suspended        boolean NOT NULL DEFAULT false
);

-- Executions that began and count (ADR 49), by the month of UTC: exact, whatever n8n prunes and whoever deletes their workflows.
CREATE TABLE IF NOT EXISTS rp9.started (
    project_id varchar(36) NOT NULL,
    month      date NOT NULL,
    executions bigint NOT NULL,
    PRIMARY KEY (project_id, month)
);

-- What a tenant who is being removed had: n8n deletes the ids by which alone the rest of it is found. Read and written by the platform.
CREATE TABLE IF NOT EXISTS rp9.leaving (
    project_id varchar(36) NOT NULL,
    kind       text NOT NULL,
    id         text NOT NULL,
    PRIMARY KEY (project_id, kind, id)
);

-- 'go', 'busy', 'month', 'suspended' or 'unknown'. What goes and `counts` is one of the month's. A workflow that another runs as a step is
-- part of that one's run: nobody asks for it, and it takes no place.
CREATE OR REPLACE FUNCTION rp9.begin_execution(workflow text, counts boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    tenant     rp9.tenant;
    running    bigint;
    this_month date := date_trunc('month', now() AT TIME ZONE 'utc');
BEGIN
    SELECT t.* INTO tenant
      FROM public.shared_workflow s JOIN rp9.tenant t ON t.project_id = s."projectId"
     WHERE s."workflowId" = workflow AND s.role = 'workflow:owner';
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF tenant.suspended THEN RETURN 'suspended'; END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('rp9: begin ' || tenant.project_id, 0));
    SELECT count(*) INTO running
      FROM public.shared_workflow s JOIN public.execution_entity e ON e."workflowId" = s."workflowId"
     WHERE s."projectId" = tenant.project_id AND s.role = 'workflow:owner'
       AND e.status IN ('new', 'running') AND e.mode <> 'integrated' AND e."deletedAt" IS NULL;
    IF running >= tenant.concurrent THEN RETURN 'busy'; END IF;

    IF counts THEN
        INSERT INTO rp9.started AS s VALUES (tenant.project_id, this_month, 1)
        ON CONFLICT (project_id, month) DO UPDATE SET executions = s.executions + 1
        WHERE s.executions < coalesce(tenant.executions_month, s.executions + 1);
        IF NOT FOUND THEN RETURN 'month'; END IF;
    END IF;
    RETURN 'go';
END $$;

-- The last line: no webhook of a tenant's outside of its prefix, whatever wrote it. n8n tells the user that the path is taken.
CREATE OR REPLACE FUNCTION rp9.webhooks_are_own() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    project text;
    owner   text;
BEGIN
    SELECT s."projectId", u."roleSlug" INTO project, owner
      FROM public.shared_workflow s
      LEFT JOIN public.project_relation r ON r."projectId" = s."projectId" AND r.role = 'project:personalOwner'
      LEFT JOIN public."user" u ON u.id = r."userId"
     WHERE s."workflowId" = NEW."workflowId" AND s.role = 'workflow:owner';
    IF owner IS DISTINCT FROM 'global:owner' AND NOT coalesce(
           starts_with(NEW."webhookPath", project || '/')
           AND (NEW."webhookId" IS NULL OR NEW."webhookId" = project OR starts_with(NEW."webhookId", project || '/')), false) THEN
        RAISE EXCEPTION 'the path % is not one of this workspace''s', NEW."webhookPath" USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

GRANT USAGE ON SCHEMA rp9 TO {role};
GRANT SELECT ON rp9.tenant TO {role};
GRANT SELECT, INSERT, UPDATE ON rp9.started TO {role};
