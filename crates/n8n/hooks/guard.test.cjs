'use strict';
const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, test } = require('node:test');
const guard = require('./guard.cjs');

guard.install(http);

const settings = {
  urlBaseWebhook: 'http://shared/', urlBaseEditor: 'http://shared', oauthCallbackUrls: { oauth2: 'http://shared/rest/cb' },
};
guard.localise(settings);

const server = http.createServer((request, response) => {
  const { cookie, authorization, 'x-n8n-api-key': key } = request.headers;
  response.end(JSON.stringify({ url: request.url, cookie, authorization, key, settings }));
});
before(() => new Promise((done) => server.listen(0, '127.0.0.1', done)));
after(() => server.close());

const token = (claims) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
const OURS = { [guard.TENANT]: 'ann https://acme.example' };

async function ask(path, headers = {}, method = 'GET') {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers, method });
  return answer.json();
}

test('a session is one on its own address alone', async () => {
  const own = `a=1; n8n-auth=${token({ id: 'ann' })}`;
  const other = `a=1; n8n-auth=${token({ id: 'bob' })}; b=2`;
  assert.equal((await ask('/rest/x', { ...OURS, cookie: own })).cookie, own);
  assert.equal((await ask('/rest/x', { ...OURS, cookie: other })).cookie, 'a=1; b=2');
  assert.equal((await ask('/rest/x', { ...OURS, cookie: `${own}; n8n-auth=${token({ id: 'bob' })}` })).cookie, 'a=1');
  assert.equal((await ask('/rest/x', { ...OURS, cookie: 'n8n-auth=none' })).cookie, '');
});

test('so is a key, and there is no other way to say who one is', async () => {
  const key = token({ sub: 'ann' });
  assert.equal((await ask('/api/v1/x', { ...OURS, 'x-n8n-api-key': key })).key, key);
  for (const other of [token({ sub: 'bob' }), 'x', '']) {
    assert.equal((await ask('/api/v1/x', { ...OURS, 'x-n8n-api-key': other })).key, 'another-tenants');
  }
  assert.equal((await ask('/api/v1/x', { ...OURS, authorization: 'Bearer x' })).authorization, undefined);
});

test('a webhook gets what its caller sent', async () => {
  const sent = { ...OURS, authorization: 'Bearer x', cookie: 'n8n-auth=none', 'x-n8n-api-key': 'k' };
  const { authorization, cookie, key } = await ask('/webhook/x', sent);
  assert.deepEqual({ authorization, cookie, key }, { authorization: 'Bearer x', cookie: 'n8n-auth=none', key: 'k' });
});

test("what counts everybody's is answered as if there were nobody else", async () => {
  for (const path of ['/rest/projects/count', '/rest/projects/count/', '/REST/Projects/Count?x=1']) {
    assert.deepEqual(await ask(path, OURS), { data: { personal: 1, team: 0 } });
  }
  assert.deepEqual(await ask('/rest/webhooks/find', OURS, 'POST'), { data: null });
  assert.equal((await ask('/rest/roles?withUsageCount=true', OURS)).url, '/rest/roles');
  assert.equal((await ask('/rest/projects?x=1', OURS)).url, '/rest/projects?x=1');
});

test('addresses are those of the tenant, for the tenant', async () => {
  const own = { urlBaseWebhook: 'https://acme.example/', urlBaseEditor: 'https://acme.example', oauthCallbackUrls: { oauth2: 'https://acme.example/rest/cb' } };
  assert.deepEqual((await ask('/rest/settings', OURS)).settings, own);
  settings.urlBaseEditor = 'http://moved';
  assert.equal((await ask('/rest/settings', OURS)).settings.urlBaseEditor, 'https://acme.example');
  assert.equal((await ask('/rest/settings')).settings.urlBaseEditor, 'http://moved');
});

test('without the header, or with one that is none, nothing is changed', async () => {
  const cookie = `n8n-auth=${token({ id: 'bob' })}`;
  assert.equal((await ask('/rest/x', { cookie })).cookie, cookie);
  assert.equal((await ask('/rest/projects/count')).url, '/rest/projects/count');
});

test('a header that names no tenant lets nobody in', async () => {
  for (const value of ['ann', 'ann b c', ' ']) {
    const answer = await ask('/rest/x', { [guard.TENANT]: value, cookie: `n8n-auth=${token({ id: 'ann' })}` });
    assert.equal(answer.cookie ?? '', '', value);
  }
});
