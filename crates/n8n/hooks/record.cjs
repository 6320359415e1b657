'use strict';
// What this n8n's database says about its tenants: its own tables about whose a workflow is, the platform's schema `rp9` about what they may.

// The platform's own user and nobody else is the owner; whoever is not is a tenant, whether the platform has noted them or not.
const PLATFORM = 'global:owner';

const OF_USER = `
  SELECT r."projectId" AS project, u."roleSlug" AS role
    FROM "user" u JOIN project_relation r ON r."userId" = u.id AND r.role = 'project:personalOwner' WHERE u.id = $1`;

const OF_WORKFLOW = `
  SELECT s."projectId" AS project, u."roleSlug" AS role
    FROM shared_workflow s
    LEFT JOIN project_relation r ON r."projectId" = s."projectId" AND r.role = 'project:personalOwner'
    LEFT JOIN "user" u ON u.id = r."userId"
   WHERE s."workflowId" = $1 AND s.role = 'workflow:owner'`;

const BEGIN = 'SELECT rp9.begin_execution($1, $2) AS verdict, (SELECT coalesce(max(id), 0) FROM execution_entity) AS latest';
const BEGUN = 'SELECT 1 AS begun FROM execution_entity WHERE "workflowId" = $1 AND id > $2 LIMIT 1';

// TypeORM's repository brings the connection; plain statements outlive changes of its entities.
const ask = async (hook, statement, values) => (await hook.dbCollections.Workflow.manager.query(statement, values))[0];

/** The project of a tenant's user, `undefined` for the platform's own; a user without one is an error. */
async function ofUser(hook, user) {
  const row = await ask(hook, OF_USER, [user]);
  if (!row) throw new Error('this user has no workspace');
  return row.role === PLATFORM ? undefined : row.project;
}

/** The project of the tenant that a stored workflow belongs to; `undefined` for the platform's, and when there is no such workflow. */
async function ofWorkflow(hook, workflow) {
  const row = await ask(hook, OF_WORKFLOW, [workflow]);
  return row?.role === PLATFORM ? undefined : row?.project;
}

/** Whether one more execution may begin: `verdict` is 'go', 'busy', or why not; `latest` is the last execution there was. */
const begin = (hook, workflow, counts) => ask(hook, BEGIN, [workflow, counts]);

/** Whether an execution of the workflow came after that one. */
const hasBegun = async (hook, workflow, latest) => (await ask(hook, BEGUN, [workflow, latest])) !== undefined;

module.exports = { ofUser, ofWorkflow, begin, hasBegun };
