'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { adopt, stray } = require('./paths.cjs');

const [OWN, OTHER] = ['ownOwnOwnOwnOwn1', 'othOthOthOthOth2'];

const node = (parameters, webhookId = 'u-1') => ({ id: 'n-1', name: 'Hook', webhookId, parameters });

function adopted(path, webhookId) {
  const nodes = [node({ path }, webhookId)];
  adopt(OWN, nodes);
  return nodes[0];
}

test('a path stands behind the prefix, once, however it is written', () => {
  const cases = {
    orders: `${OWN}/orders`,
    '/a//b/': `${OWN}/a/b`,
    'Upper/Case': `${OWN}/Upper/Case`,
    [`${OWN}/orders`]: `${OWN}/orders`,
    [OWN]: `${OWN}/${OWN}`,
    [`${OTHER}/orders`]: `${OWN}/${OTHER}/orders`,
    '../up': `${OWN}/../up`,
    'a%2fb': `${OWN}/a%2fb`,
  };
  for (const [path, expected] of Object.entries(cases)) assert.equal(adopted(path).parameters.path, expected);
  assert.equal(adopted(7).parameters.path, `${OWN}/7`);
});

test('an expression cannot get in front of the prefix', () => {
  for (const path of ['={{ "x" }}', '= /{{ "x" }}', `=${OTHER}/x`, '={{', '=']) {
    assert.ok(adopted(path).parameters.path.startsWith(`=${OWN}/`), path);
  }
});

test('a path with parameters is found by the prefix, any other has an id behind it', () => {
  assert.equal(adopted('users/:id').webhookId, OWN);
  assert.equal(adopted(':id').webhookId, OWN);
  assert.equal(adopted('orders').webhookId, `${OWN}/u-1`);
  assert.equal(adopted('orders', `${OTHER}/u-1`).webhookId, `${OWN}/u-1`);
  assert.equal(adopted('orders', OWN).webhookId, `${OWN}/n-1`);
});

test('what has no path of its own is found by its id', () => {
  const nodes = [node({}), node({ path: '' }), node(undefined)];
  adopt(OWN, nodes);
  for (const { webhookId } of nodes) assert.equal(webhookId, `${OWN}/u-1`);
});

test('a form of a later version keeps its path among the options', () => {
  const nodes = [node({ options: { path: 'contact' } })];
  adopt(OWN, nodes);
  assert.equal(nodes[0].parameters.options.path, `${OWN}/contact`);
});

test('adopting twice is adopting once, and nothing of it is stray', () => {
  for (const path of ['orders', ':a/:b', '={{ 1 }}', '', `${OTHER}/x`, '//', 'x/:id/y']) {
    const nodes = [node({ path })];
    adopt(OWN, nodes);
    const once = structuredClone(nodes);
    adopt(OWN, nodes);
    assert.deepEqual(nodes, once, path);
    assert.equal(stray(OWN, nodes), undefined, path);
  }
});

test('what listens elsewhere is stray', () => {
  const elsewhere = [
    node({ path: 'orders' }, `${OWN}/u`),
    node({ path: `${OTHER}/orders` }, `${OWN}/u`),
    node({ path: `${OWN}x/orders` }, `${OWN}/u`),
    node({ path: `=${OTHER}/x` }, `${OWN}/u`),
    node({ path: `${OWN}/orders` }, 'u-1'),
    node({ path: `${OWN}/orders` }, `${OWN}x`),
    node({ path: 7 }, `${OWN}/u`),
    node({ options: { path: 'contact' } }, `${OWN}/u`),
  ];
  for (const one of elsewhere) assert.equal(stray(OWN, [one]), one);
});

test('what does not listen is left alone', () => {
  const nodes = [{ name: 'Set', parameters: { path: 'x' } }, { name: 'Bare' }];
  adopt(OWN, nodes);
  assert.deepEqual(nodes, [{ name: 'Set', parameters: { path: 'x' } }, { name: 'Bare' }]);
  assert.equal(stray(OWN, nodes), undefined);
  adopt(OWN, undefined);
  assert.equal(stray(OWN, undefined), undefined);
});
