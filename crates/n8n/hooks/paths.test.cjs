'use strict';
// The cases are those of the platform's own version of this in Rust as well (`src/members/paths.rs`).
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { adopt, stray } = require('./paths.cjs');
const { prefix, listening, deaf, stray: elsewhere } = require('./paths.cases.json');

test('what listens does so behind the prefix, once, however it is written', () => {
  for (const { node, adopted } of listening) {
    const nodes = [structuredClone(node)];
    adopt(prefix, nodes);
    assert.deepEqual(nodes, [{ ...node, ...adopted }]);
  }
});

test('adopting twice is adopting once, and nothing of it is stray', () => {
  for (const { node, adopted } of listening) {
    const nodes = [{ ...structuredClone(node), ...structuredClone(adopted) }];
    adopt(prefix, nodes);
    assert.deepEqual(nodes, [{ ...node, ...adopted }]);
    assert.equal(stray(prefix, nodes), undefined, JSON.stringify(node));
  }
});

test('what is not under the prefix is stray', () => {
  for (const node of elsewhere) assert.equal(stray(prefix, [node]), node, JSON.stringify(node));
});

test('what does not listen is left alone', () => {
  const nodes = structuredClone(deaf);
  adopt(prefix, nodes);
  assert.deepEqual(nodes, deaf);
  assert.equal(stray(prefix, nodes), undefined);
  adopt(prefix, undefined);
  assert.equal(stray(prefix, undefined), undefined);
});
