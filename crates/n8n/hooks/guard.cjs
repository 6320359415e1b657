'use strict';
// What a caller may see of an n8n that is shared, decided by the address it came through. The edge names that tenant in a header, in every
// request, whatever the caller wrote there. It takes rights away and gives none: n8n still asks who somebody is.
const { AsyncLocalStorage } = require('node:async_hooks');

const TENANT = 'x-rp9-shared-tenant';

const current = new AsyncLocalStorage();

// `{ user, address }` of the tenant that the edge names; undefined where it names none, which is the platform's own way in. What it cannot
// have written is a tenant without a user: nobody's session is one there.
function tenant(headers) {
  if (headers[TENANT] === undefined) return undefined;
  const [user, address, ...more] = headers[TENANT].split(' ');
  return user && address && more.length === 0 ? { user, address } : { user: '' };
}

// Whom a token is about. Not verified: n8n does that, and what is asked here only ever refuses.
function subject(token) {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
    return claims.id ?? claims.sub;
  } catch {
    return undefined;
  }
}

const withoutSession = (cookie) =>
  cookie.split(';').filter((pair) => pair.split('=')[0].trim() !== 'n8n-auth').join(';');

const sessions = (cookie) =>
  cookie.split(';').map((pair) => pair.trim()).filter((pair) => pair.split('=')[0].trim() === 'n8n-auth').map((pair) => pair.slice(pair.indexOf('=') + 1));

// Somebody else's session or key is none on this address.
function bind(headers, user) {
  const cookie = headers.cookie;
  if (cookie && sessions(cookie).some((token) => subject(token) !== user)) headers.cookie = withoutSession(cookie);
  const key = headers['x-n8n-api-key'];
  if (key !== undefined && subject(key) !== user) headers['x-n8n-api-key'] = 'another-tenants';
  delete headers.authorization;
}

// Questions that n8n answers about everybody, with what is true of somebody alone.
const ALONE = {
  '/rest/projects/count': { personal: 1, team: 0 },
  '/rest/data-tables-global/limits': { totalBytes: 0, quotaStatus: 'ok', dataTables: {} },
  '/rest/webhooks/find': null,
  '/rest/license': {
    usage: { activeWorkflowTriggers: { value: 0, limit: -1, warningThreshold: 0.8 }, workflowsHavingEvaluations: { value: 0, limit: 0 } },
    license: { planId: '', planName: 'Community' },
  },
};

// With a query they count everybody's users.
const UNQUERIED = /^\/rest\/roles(\/|$)/;

const pathOf = (url) => url.split('?')[0].replace(/\/+$/, '').toLowerCase();

function answer(response, body) {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** Whether the request has been answered; if not, `go` is what n8n does with it. */
function guarded(request, response, go) {
  const who = tenant(request.headers);
  if (who === undefined) return go();
  const path = pathOf(request.url);
  if (path.startsWith('/rest/') || path.startsWith('/api/')) bind(request.headers, who.user);
  if (response && Object.hasOwn(ALONE, path)) return answer(response, { data: ALONE[path] });
  if (UNQUERIED.test(path)) request.url = request.url.split('?')[0];
  return current.run(who, go);
}

/** Guards every server of this process: n8n listens before it reads its hooks, and has no routes until it has. */
function install(http) {
  const { emit } = http.Server.prototype;
  http.Server.prototype.emit = function (event, request, other, ...more) {
    const go = () => emit.call(this, event, request, other, ...more);
    if (event === 'request') return guarded(request, other, go);
    if (event === 'upgrade') return guarded(request, undefined, go);
    return go();
  };
}

/** Where the current caller came in, without a slash at the end; undefined for the platform itself. */
const address = () => current.getStore()?.address;

/** Who came in; undefined for the platform itself. */
const user = () => current.getStore()?.user;

// What the editor shows of addresses, and what each is on a tenant's own.
const SHOWN = {
  urlBaseWebhook: (own) => `${own}/`,
  urlBaseWebhookTest: (own) => `${own}/`,
  urlBaseEditor: (own) => own,
  oauthCallbackUrls: (own, everybodys) =>
    Object.fromEntries(Object.entries(everybodys).map(([name, url]) => [name, own + new URL(url).pathname])),
};

/** n8n knows one address for everybody and fills it in for each answer; who came in by their own sees that. */
function localise(settings) {
  for (const [name, own] of Object.entries(SHOWN)) {
    let everybodys = settings[name];
    Object.defineProperty(settings, name, {
      enumerable: true,
      get: () => (address() && everybodys ? own(address(), everybodys) : everybodys),
      set: (value) => { everybodys = value; },
    });
  }
}

module.exports = { TENANT, install, localise, address, user };
