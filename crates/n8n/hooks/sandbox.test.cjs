'use strict';
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const { test } = require('node:test');

const hooks = require('./sandbox.cjs');

const [activate] = hooks.workflow.activate;
const [execute] = hooks.workflow.preExecute;

test('nothing is activated, and whoever tries reads why', () => assert.rejects(activate({ id: 'w' }), /sandbox.*not be activated/));

test('what is started by hand runs, with what it starts in turn, and nothing else does', async () => {
  for (const mode of ['manual', 'retry', 'evaluation', 'integrated', 'cli']) await execute({}, mode);
  for (const mode of ['trigger', 'webhook', 'error', 'chat', 'internal', 'another']) {
    await assert.rejects(execute({}, mode), /started by hand/, mode);
  }
});

test('the editor asks n8n itself for a banner that cannot be closed', async () => {
  const server = http.createServer((_, response) => response.end('n8n'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const own = `http://127.0.0.1:${server.address().port}`;
  const settings = { urlBaseEditor: own, dynamicBanners: { enabled: false, endpoint: 'https://api.n8n.io/', filters: {} } };
  await hooks.frontend.settings[0](settings);
  assert.deepEqual(settings.dynamicBanners.filters, {});
  assert.ok(settings.dynamicBanners.enabled);
  const [banner] = await (await fetch(`${settings.dynamicBanners.endpoint}?version=2.41.1`)).json();
  assert.match(banner.content, /^\*\*Sandbox/);
  assert.equal(banner.isDismissible, false);
  for (const [path, options] of [['/', {}], ['/rp9-sandbox-banner', { method: 'POST' }]]) {
    assert.equal(await (await fetch(own + path, options)).text(), 'n8n');
  }
  server.close();
});
