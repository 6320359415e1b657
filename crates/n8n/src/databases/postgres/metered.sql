-- What the meter sees: run by whoever may work in n8n's tables, after `meter.sql`, as often as one likes.
CREATE OR REPLACE TRIGGER rp9_write_down AFTER INSERT OR DELETE OR UPDATE OF status, "startedAt", "stoppedAt", "deletedAt"
    ON public.execution_entity FOR EACH ROW EXECUTE FUNCTION rp9.write_down();
ALTER TABLE public.execution_entity ENABLE TRIGGER rp9_write_down;

-- What was there before there was a meter.
INSERT INTO rp9.execution (source, id, project_id, kind, state, queued_at, started_at, stopped_at, changed_at, waiting_since)
SELECT rp9.source(), e.id, s."projectId", rp9.kind_of(e.mode),
       CASE WHEN e."deletedAt" IS NOT NULL AND e.status IN ('new', 'running', 'waiting') THEN 'discarded' ELSE rp9.state_of(e.status) END,
       e."createdAt", e."startedAt",
       CASE WHEN e."deletedAt" IS NOT NULL OR e.status NOT IN ('new', 'running', 'waiting') THEN coalesce(e."stoppedAt", e."startedAt") END,
       clock_timestamp(), CASE WHEN e.status = 'waiting' THEN now() END
  FROM public.execution_entity e
  LEFT JOIN public.shared_workflow s ON s."workflowId" = e."workflowId" AND s.role = 'workflow:owner'
 WHERE e."startedAt" IS NOT NULL OR e."deletedAt" IS NULL
ON CONFLICT (source, id) DO NOTHING;
