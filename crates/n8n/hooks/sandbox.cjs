'use strict';
// The external hooks of a sandbox: a copy of somebody's n8n, made from a backup, to look at and to try by hand (EXTERNAL_HOOK_FILES). What keeps it
// from the outside is its network; here nothing is made to start by itself, and whoever is in it is told where they are.
const http = require('node:http');
const { refuse } = require('./refuse.cjs');

require('./leave.cjs').leave();

const CALLED = 'This is a sandbox, restored from a backup.';

// What a person starts in the editor, and what that starts in turn; and what the platform starts in the container, for a drill.
const BY_HAND = new Set(['manual', 'retry', 'evaluation', 'integrated', 'cli']);

const activated = async () => refuse(`${CALLED} Workflows can be run by hand, and not be activated.`);

async function executing(_workflow, mode) {
  if (!BY_HAND.has(mode)) refuse(`${CALLED} Nothing runs in it but what is started by hand.`);
}

// Where the editor asks for banners, and what it is told: one that stays.
const BANNER_PATH = '/rp9-sandbox-banner';
const BANNER = JSON.stringify([{
  id: 1,
  content: `**Sandbox.** ${CALLED} It reaches nothing outside, nothing in it starts by itself, and it is removed when its time is over.`,
  theme: 'warning',
  isDismissible: false,
  dismissPermanently: false,
  priority: 1000,
}]);

function told(request, response) {
  if (request.method !== 'GET' || request.url.split('?')[0] !== BANNER_PATH) return false;
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(BANNER);
  return true;
}

// n8n's own routes are there before its hooks are, and take every path.
const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (event, ...parts) {
  return event === 'request' && told(...parts) ? true : emit.call(this, event, ...parts);
};

async function shown(settings) {
  Object.assign(settings.dynamicBanners, { enabled: true, endpoint: new URL(BANNER_PATH, settings.urlBaseEditor).href });
}

module.exports = {
  workflow: { activate: [activated], preExecute: [executing] },
  frontend: { settings: [shown] },
};
