'use strict';
// The external hooks of an n8n that tenants share (EXTERNAL_HOOK_FILES). What throws here aborts what was asked for, and its message is what
// the user reads in the editor or in the API's answer. An n8n that cannot load this file does not start.
const guard = require('./guard.cjs');
const paths = require('./paths.cjs');
const record = require('./record.cjs');
const starts = require('./starts.cjs');
const { refuse } = require('./refuse.cjs');

require('./leave.cjs').leave();

// Comma-separated types of nodes that tenants cannot save, beside those that n8n does not load (NODES_EXCLUDE).
const FORBIDDEN = new Set((process.env.RP9_FORBIDDEN_NODES ?? '').split(',').filter(Boolean));

// Of the platform's own doing n8n names no actor, or its owner.
const tenantOf = async (hook, actor) => (actor ? record.ofUser(hook, actor.id) : undefined);

// Tenants call their own workflows and nobody else's, whatever a workflow allows.
async function settle(hook, project, workflow) {
  paths.adopt(project, workflow.nodes);
  const { settings } = workflow;
  if (settings?.errorWorkflow && (await record.ofWorkflow(hook, settings.errorWorkflow)) !== project) {
    refuse('The error workflow is not one of this workspace.');
  }
  if (settings) {
    if (settings.callerPolicy !== 'none') settings.callerPolicy = 'workflowsFromSameOwner';
    delete settings.callerIds;
  }
  const node = (workflow.nodes ?? []).find(({ type }) => FORBIDDEN.has(type));
  if (node) refuse(`The node "${node.name}" cannot be used in a shared workspace.`);
}

// The id in what is to be saved is the caller's word, and often missing; it is asked for only where the platform is the caller.
async function saved(workflow, _context, actor) {
  const project = (await tenantOf(this, actor)) ?? (workflow.id && (await record.ofWorkflow(this, workflow.id)));
  if (project) await settle(this, project, workflow);
}

function stay(project, nodes) {
  const node = paths.stray(project, nodes);
  if (node) refuse(`The path of "${node.name}" is not one of this workspace's, which begin with ${project}/.`);
}

async function activated(workflow) {
  const project = await record.ofWorkflow(this, workflow.id);
  if (project) stay(project, workflow.nodes);
}

// As in the meter (`meter.sql`): what comes from outside counts. What is tried by hand does not, nor what is told of another's failure.
const UNCOUNTED = new Set(['manual', 'evaluation', 'error']);

async function executing(workflow, mode) {
  const project = await record.ofWorkflow(this, workflow.id);
  if (!project) return;
  stay(project, Object.values(workflow.nodes));
  await starts.begin(this, project, workflow.id, !UNCOUNTED.has(mode));
}

// n8n shows the name of a workflow's owner to others whose calls it refuses, so a workspace has none of its own.
async function named(user, email, changes) {
  if ((await record.ofUser(this, user)) === undefined) return;
  if (changes.email !== undefined && changes.email !== email) refuse('The e-mail address of a workspace is given by the platform.');
  if (changes.firstName !== 'Workspace' || changes.lastName !== '') refuse('The name of a workspace is given by the platform.');
}

const untagged = async () => refuse("Tags are everybody's in a shared n8n, so there are none.");

// The provider sends the browser back to the address where it began, since only there it has a session.
async function returning(options) {
  const address = guard.address();
  if (address && options.redirectUri) options.redirectUri = address + new URL(options.redirectUri).pathname;
}

// The editor asks what a sub-workflow is to be given, and n8n reads that out of any workflow whose id it is told.
function loadOwn({ WorkflowLoaderService }) {
  const { get } = WorkflowLoaderService.prototype;
  WorkflowLoaderService.prototype.get = async function (workflow) {
    const user = guard.user();
    const hook = { dbCollections: { Workflow: this.workflowRepository } };
    if (user !== undefined && (await record.ofWorkflow(hook, workflow)) !== (await record.ofUser(hook, user))) {
      refuse(`Failed to find workflow with ID "${workflow}"`);
    }
    return get.call(this, workflow);
  };
}

guard.install(require('node:http'));
loadOwn(require.main.require('../dist/services/workflow-loader.service'));

module.exports = {
  workflow: { create: [saved], update: [saved], activate: [activated], preExecute: [executing] },
  'user.profile': { beforeUpdate: [named] },
  tag: { beforeCreate: [untagged], beforeUpdate: [untagged] },
  oauth2: { authenticate: [returning], callback: [returning] },
  frontend: { settings: [async (settings) => guard.localise(settings)] },
};
