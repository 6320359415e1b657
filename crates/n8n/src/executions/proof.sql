-- A workflow and an execution of it that waits, runs and ends, and is seen to. It always ends with an error, so that nothing stays.
DO $$
DECLARE
    workflow  text := 'rp9proof' || left(md5(random()::text), 8);
    execution integer;
    saw       text;
BEGIN
    INSERT INTO public.workflow_entity (id, name, active, nodes, connections, "versionId")
    VALUES (workflow, 'rp9', false, '[]', '{}', gen_random_uuid());
    INSERT INTO public.execution_entity ("workflowId", mode, status, finished, "createdAt")
    VALUES (workflow, 'webhook', 'new', false, now()) RETURNING id INTO execution;
    saw := (SELECT e.state FROM rp9.execution e WHERE e.source = rp9.source() AND e.id = execution);
    UPDATE public.execution_entity SET status = 'running', "startedAt" = now() WHERE id = execution;
    saw := saw || (SELECT ' ' || e.state FROM rp9.execution e WHERE e.source = rp9.source() AND e.id = execution AND e.started_at IS NOT NULL);
    UPDATE public.execution_entity SET status = 'success', "stoppedAt" = now() WHERE id = execution;
    saw := saw || (SELECT ' ' || e.state FROM rp9.execution e WHERE e.source = rp9.source() AND e.id = execution AND e.stopped_at IS NOT NULL);
    IF saw = 'queued running succeeded' THEN
        RAISE EXCEPTION 'seen' USING ERRCODE = 'RP9OK';
    END IF;
    RAISE EXCEPTION 'not seen: %', saw USING ERRCODE = 'RP9NO';
END $$;
