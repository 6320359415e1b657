'use strict';
// Whose a webhook is, its path says: everything that a tenant's nodes listen on begins with the tenant's prefix, the id of its project.
// Pure: values in, values out.

const isDynamic = (path) => path.replace(/^=/, '').startsWith(':') || path.includes('/:');

// n8n takes one slash away at either end, and no call with two in a row comes through the edge.
const trimmed = (path) => path.trim().split('/').filter(Boolean).join('/');

const behind = (prefix, path) => (path.startsWith(`${prefix}/`) ? path : `${prefix}/${path}`);

// A parameter may be an expression (`=…`): it stays one, behind a prefix that it cannot take back.
function prefixed(prefix, value) {
  if (value.startsWith('=')) return `=${behind(prefix, value.slice(1).replace(/^[\s/]+/, ''))}`;
  const path = trimmed(value);
  return path && behind(prefix, path);
}

// n8n finds a path with parameters by the node's id, and all others by the whole path, in which that id may stand in front. So it is the
// prefix itself for the former, and begins with it for the latter.
function webhookId(prefix, node) {
  if (typeof node.parameters?.path === 'string' && isDynamic(node.parameters.path)) return prefix;
  const name = node.webhookId === prefix ? (node.id ?? '') : node.webhookId.split('/').pop();
  return `${prefix}/${name}`;
}

// Where a node keeps the path it listens on: webhooks, forms and MCP servers in `path`, some forms in `options.path`.
const places = (node) =>
  [node.parameters, node.parameters?.options].filter((place) => !['', null, undefined].includes(place?.path));

// n8n gives every node that listens such an id before it asks its hooks.
const listens = (node) => typeof node.webhookId === 'string' && node.webhookId !== '';

/** Puts every node that listens under the prefix. Repeating it changes nothing. */
function adopt(prefix, nodes) {
  for (const node of (nodes ?? []).filter(listens)) {
    for (const place of places(node)) place.path = prefixed(prefix, String(place.path));
    node.webhookId = webhookId(prefix, node);
  }
}

/** The first node that listens outside of the prefix, if any does. */
function stray(prefix, nodes) {
  const under = (text) => typeof text === 'string' && (text === prefix || text.replace(/^=/, '').startsWith(`${prefix}/`));
  const isOwn = (node) => under(node.webhookId) && places(node).every((place) => under(place.path));
  return (nodes ?? []).find((node) => listens(node) && !isOwn(node));
}

module.exports = { adopt, stray };
