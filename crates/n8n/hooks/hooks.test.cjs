'use strict';
const assert = require('node:assert/strict');
const Module = require('node:module');
const { test } = require('node:test');

process.env.RP9_START_PATIENCE_MS = '300';
process.env.RP9_FORBIDDEN_NODES = 'n8n-nodes-base.ssh';

// n8n's own service, where there is no n8n.
class WorkflowLoaderService {
  constructor(workflowRepository) {
    this.workflowRepository = workflowRepository;
  }
  async get(workflow) {
    return { id: workflow };
  }
}
const { require: load } = Module.prototype;
Module.prototype.require = function (file) {
  return file === '../dist/services/workflow-loader.service' ? { WorkflowLoaderService } : load.call(this, file);
};
const guard = require('./guard.cjs');
const hooks = require('./hooks.cjs');

const [OWN, OTHER] = ['ownOwnOwnOwnOwn1', 'othOthOthOthOth2'];
const ACTORS = { ann: { project: OWN, role: 'global:tenant' }, root: { project: 'p', role: 'global:owner' } };
const WORKFLOWS = { mine: ACTORS.ann, theirs: { project: OTHER, role: 'global:tenant' }, ours: ACTORS.root };

// A database that knows these, and whose function says what it is told to.
function world(verdicts = ['go']) {
  const asked = [];
  const query = async (statement, values) => {
    if (statement.includes('begin_execution')) {
      asked.push(values);
      return [{ verdict: verdicts.length > 1 ? verdicts.shift() : verdicts[0], latest: 1 }];
    }
    if (statement.includes('AS begun')) return [{ begun: 1 }];
    const row = statement.includes('shared_workflow') ? WORKFLOWS[values[0]] : ACTORS[values[0]];
    return row ? [row] : [];
  };
  return { asked, dbCollections: { Workflow: { manager: { query } } } };
}

const run = (name, operation, ...parts) => hooks[name][operation][0].apply(parts[0], parts.slice(1));
const hook = (path) => ({ id: 'n', name: 'Hook', type: 'webhook', webhookId: 'u', parameters: { path } });
const create = (workflow, actor = { id: 'ann' }) => run('workflow', 'create', world(), workflow, {}, actor);

test('what a tenant saves is under its prefix and called by itself alone', async () => {
  const workflow = { nodes: [hook('orders')], settings: { callerPolicy: 'any', callerIds: 'x' } };
  await create(workflow);
  assert.equal(workflow.nodes[0].parameters.path, `${OWN}/orders`);
  assert.deepEqual(workflow.settings, { callerPolicy: 'workflowsFromSameOwner' });
});

test('the id in what a tenant saves is not believed', async () => {
  const workflow = { id: 'theirs', nodes: [hook('orders')] };
  await run('workflow', 'update', world(), workflow, {}, { id: 'ann' });
  assert.equal(workflow.nodes[0].parameters.path, `${OWN}/orders`);
});

test("what the platform saves for a tenant is under that tenant's prefix, and its own is left alone", async () => {
  for (const [id, path] of [['theirs', `${OTHER}/orders`], ['ours', 'orders'], [undefined, 'orders']]) {
    const workflow = { id, nodes: [hook('orders')] };
    await run('workflow', 'update', world(), workflow, {}, { id: 'root' });
    assert.equal(workflow.nodes[0].parameters.path, path);
  }
});

test('a user whom nobody knows saves nothing', () => assert.rejects(create({ nodes: [] }, { id: 'who' }), /no workspace/));

test("what a workflow is to be given is told of one's own, and to the platform of any", async (t) => {
  const loader = new WorkflowLoaderService(world().dbCollections.Workflow);
  const as = (user) => t.mock.method(guard, 'user', () => user);
  as('ann');
  assert.equal((await loader.get('mine')).id, 'mine');
  for (const workflow of ['theirs', 'ours', 'none']) {
    await assert.rejects(loader.get(workflow), { message: `Failed to find workflow with ID "${workflow}"` });
  }
  as('');
  await assert.rejects(loader.get('mine'), /no workspace/);
  as(undefined);
  assert.equal((await loader.get('theirs')).id, 'theirs');
});

test('an error workflow is one of the same workspace', async () => {
  await create({ settings: { errorWorkflow: 'mine' } });
  for (const errorWorkflow of ['theirs', 'ours', 'none']) {
    await assert.rejects(create({ settings: { errorWorkflow } }), /not one of this workspace/);
  }
});

test('a forbidden node is refused by its name', () =>
  assert.rejects(create({ nodes: [{ name: 'Shell', type: 'n8n-nodes-base.ssh' }] }), /"Shell"/));

test('nothing that listens elsewhere is activated or run, by hand or by a call', async () => {
  const nodes = [hook(`${OTHER}/orders`)];
  await assert.rejects(run('workflow', 'activate', world(), { id: 'mine', nodes }), /"Hook"/);
  await assert.rejects(run('workflow', 'preExecute', world(), { id: 'mine', nodes: { Hook: nodes[0] } }, 'manual'), /"Hook"/);
});

const start = (here, mode = 'webhook', id = 'mine') => run('workflow', 'preExecute', here, { id, nodes: {} }, mode);

test('what comes from outside counts', async () => {
  const here = world();
  const counted = ['webhook', 'trigger', 'retry', 'chat', 'cli', 'internal'];
  const uncounted = ['manual', 'evaluation', 'error'];
  for (const mode of [...counted, ...uncounted]) await start(here, mode);
  const asked = (counts) => () => ['mine', counts];
  assert.deepEqual(here.asked, [...counted.map(asked(true)), ...uncounted.map(asked(false))]);
});

test('the platform is not counted', async () => {
  const here = world(['unknown']);
  await start(here, 'webhook', 'ours');
  assert.deepEqual(here.asked, []);
});

test('one too many waits for its turn, and not for ever', async () => {
  await start(world(['busy', 'busy', 'go']));
  await assert.rejects(start(world(['busy'])), /Too many/);
});

test('a refused start does not hold up the next one', async () => {
  for (const [verdict, said] of [['month', /used up/], ['suspended', /suspended/], ['unknown', /not known/], ['other', /not known/]]) {
    await assert.rejects(start(world([verdict])), said);
  }
  await start(world());
});

test('a workspace has the name and the e-mail that it was given', async () => {
  const change = (changes, user = 'ann') => run('user.profile', 'beforeUpdate', world(), user, 'a@b', changes);
  await change({ firstName: 'Workspace', lastName: '', email: 'a@b' });
  await change({ firstName: 'Root', lastName: 'X' }, 'root');
  await assert.rejects(change({ firstName: 'Ann', lastName: '' }), /name/);
  await assert.rejects(change({ firstName: 'Workspace', lastName: '', email: 'c@d' }), /e-mail/);
});

test('there are no tags', () => assert.rejects(run('tag', 'beforeCreate', world(), { name: 'x' }), /Tags/));
