-- What an n8n runs, written down where it happens, by the statement that makes it so: nothing that n8n prunes, does not save or deletes with
-- its workflow is missed, and no collector has to be awake. In a schema of the platform's, beside n8n's own; run by whoever owns the
-- database, as often as one likes. n8n's login can tell it what happens (`rp9.set_down`), and neither read nor change anything of it. Nothing here
-- touches a table of n8n's, and nothing that acts with the platform's rights does: what such a table is, a view or columns of types with code
-- of their own, is up to n8n's login.
CREATE SCHEMA IF NOT EXISTS rp9;

-- Which copy of the database this is. What is in a copy was counted in the original, under the original's name.
CREATE TABLE IF NOT EXISTS rp9.meter (
    database oid PRIMARY KEY,
    source   uuid NOT NULL DEFAULT gen_random_uuid()
);

CREATE OR REPLACE FUNCTION rp9.source() RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this  oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    found uuid;
BEGIN
    SELECT m.source INTO found FROM rp9.meter m WHERE m.database = this;
    IF found IS NULL THEN
        INSERT INTO rp9.meter AS m (database) VALUES (this)
        ON CONFLICT (database) DO UPDATE SET database = m.database RETURNING m.source INTO found;
    END IF;
    RETURN found;
END $$;
REVOKE EXECUTE ON FUNCTION rp9.source() FROM PUBLIC;

-- One row an execution. It stays for as long as `n8n::executions` keeps it, whatever becomes of n8n's.
CREATE TABLE IF NOT EXISTS rp9.execution (
    source     uuid NOT NULL,
    id         bigint NOT NULL,
    -- Whose workflow it is; none for one that is nobody's.
    project_id varchar(36),
    kind       text NOT NULL,
    -- queued, running, waiting; or how it ended: succeeded, failed, canceled, or discarded where n8n did not keep how.
    state      text NOT NULL,
    queued_at  timestamptz NOT NULL,
    started_at timestamptz,
    stopped_at timestamptz,
    changed_at timestamptz NOT NULL,
    -- Since when it rests, and how long it has before: no worker is taken by it meanwhile.
    waiting_since timestamptz,
    waited     interval NOT NULL DEFAULT '0',
    PRIMARY KEY (source, id)
) WITH (fillfactor = 80);
-- A table of an earlier release has no such columns.
ALTER TABLE rp9.execution ADD COLUMN IF NOT EXISTS waiting_since timestamptz, ADD COLUMN IF NOT EXISTS waited interval NOT NULL DEFAULT '0';
CREATE INDEX IF NOT EXISTS execution_changed ON rp9.execution (changed_at);
CREATE INDEX IF NOT EXISTS execution_started ON rp9.execution (started_at);
CREATE INDEX IF NOT EXISTS execution_open ON rp9.execution (source) WHERE state IN ('queued', 'running', 'waiting');

CREATE OR REPLACE FUNCTION rp9.kind_of(mode text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN mode IN ('manual', 'evaluation') THEN 'manual' WHEN mode = 'error' THEN 'error'
                WHEN mode = 'integrated' THEN 'sub_workflow' ELSE 'production' END
$$;

CREATE OR REPLACE FUNCTION rp9.state_of(status text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE status WHEN 'new' THEN 'queued' WHEN 'running' THEN 'running' WHEN 'waiting' THEN 'waiting' WHEN 'success' THEN 'succeeded'
                       WHEN 'error' THEN 'failed' WHEN 'crashed' THEN 'failed' WHEN 'canceled' THEN 'canceled' ELSE 'discarded' END
$$;

-- What is told of an execution is written down with the rights of the schema's owner, in values that have no code of their own by now. What n8n
-- takes back before it began was none. Whoever may call this owns n8n's tables, and could tell the same by them.
CREATE OR REPLACE FUNCTION rp9.set_down(number bigint, is_new boolean, project text, mode text, status text, gone boolean,
                                    queued timestamptz, started timestamptz, stopped timestamptz, try_of text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- What was planned for a table of a few rows stays as it is until Postgres has counted them anew: a hundred thousand that are brought in one
-- transaction would each be looked for among all.
SET enable_seqscan = off AS $$
DECLARE
    own   uuid := rp9.source();
    is_so text := CASE WHEN gone THEN 'discarded' ELSE rp9.state_of(status) END;
    ended boolean := is_so NOT IN ('queued', 'running', 'waiting');
    sort  text := rp9.kind_of(mode);
BEGIN
    IF is_new THEN
        -- Another try is what the first one was.
        IF try_of ~ '^[0-9]{1,18}$' THEN
            sort := coalesce((SELECT e.kind FROM rp9.execution e WHERE e.source = own AND e.id = try_of::bigint), sort);
        END IF;
        INSERT INTO rp9.execution (source, id, project_id, kind, state, queued_at, started_at, stopped_at, changed_at)
                           VALUES (own, number, project, sort, is_so, queued, started,
                                   CASE WHEN ended THEN coalesce(stopped, now()) END, clock_timestamp())
        ON CONFLICT (source, id) DO NOTHING;
        RETURN;
    END IF;
    IF is_so = 'discarded' THEN
        DELETE FROM rp9.execution e WHERE e.source = own AND e.id = number AND e.started_at IS NULL;
    END IF;
    -- How it ended is said once; one that was taken for lost and ended after all is put right.
    UPDATE rp9.execution e
       SET state = is_so, started_at = coalesce(e.started_at, started),
           stopped_at = CASE WHEN ended THEN coalesce(stopped, e.stopped_at, now()) END, changed_at = clock_timestamp(),
           -- What n8n calls the end of one that rests is when it began to.
           waited = e.waited + CASE WHEN e.waiting_since IS NULL OR is_so = 'waiting' THEN interval '0'
                                    ELSE greatest(CASE WHEN ended THEN coalesce(stopped, now()) ELSE now() END - e.waiting_since, interval '0') END,
           waiting_since = CASE WHEN is_so = 'waiting' THEN coalesce(e.waiting_since, now()) END
     WHERE e.source = own AND e.id = number
       AND (e.state IN ('queued', 'running', 'waiting') OR (e.state <> is_so AND is_so IN ('succeeded', 'failed', 'canceled')));
END $$;

-- With the rights of whoever changes n8n's table: whatever code is in its rows runs as that one. Customers' work goes on whatever is wrong with
-- counting it: a meter that does not see is found by whoever proves it.
CREATE OR REPLACE FUNCTION rp9.write_down() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM rp9.set_down(NEW.id, true,
            (SELECT s."projectId" FROM public.shared_workflow s WHERE s."workflowId" = NEW."workflowId" AND s.role = 'workflow:owner'),
            NEW.mode, NEW.status, NEW."deletedAt" IS NOT NULL AND NEW.status IN ('new', 'running', 'waiting'),
            NEW."createdAt", NEW."startedAt", NEW."stoppedAt", NEW."retryOf");
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM rp9.set_down(OLD.id, false, NULL, NULL, NEW.status,
            NEW."deletedAt" IS NOT NULL AND NEW.status IN ('new', 'running', 'waiting'), NULL, NEW."startedAt", NEW."stoppedAt", NULL);
    ELSE
        PERFORM rp9.set_down(OLD.id, false, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'rp9: an execution was not counted: % (%)', SQLERRM, SQLSTATE;
    RETURN NULL;
END $$;
