import assert from "node:assert/strict";
import { test } from "node:test";

import { idempotencyKey, orchestrator, ownerToken, signature, token } from "../dist/client.js";

const SECRET = "0123456789abcdef0123456789abcdef";
const SAMPLE = {
  method: "POST",
  target: "/tenants/acme?a=1",
  body: Buffer.from('{"a":1}'),
  idempotencyKey: "k",
  timestamp: 1785585600,
};

test("a known signature is what it always was", () => {
  // The same as in crates/gateway/src/auth/signature_tests.rs.
  const known = "v2=75d56bb51a8da84585834beacc94b4fa753bc841ff13f237bcb6fa22f572b4cd";
  assert.equal(signature(SECRET, SAMPLE), known);
});

test("every part is signed", () => {
  const altered = [
    { method: "DELETE" },
    { target: "/tenants/acme" },
    { body: Buffer.from('{"a":2}') },
    { idempotencyKey: undefined },
    { timestamp: 1785585601 },
  ];
  const all = altered.map((change) => signature(SECRET, { ...SAMPLE, ...change }));
  assert.equal(new Set([signature(SECRET, SAMPLE), ...all]).size, altered.length + 1);
});

test("keys are different each time and tokens say who is asking", () => {
  assert.notEqual(idempotencyKey(), idempotencyKey());
  const [, claims] = token(SECRET, "portal", "service").split(".");
  const { sub, role, aud, exp, iat } = JSON.parse(Buffer.from(claims, "base64url").toString());
  assert.deepEqual([sub, role, aud, exp - iat], ["portal", "service", "rp9-orchestrator", 300]);
});

test("an owner's token lists the tenants that exist for them", async () => {
  const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  const { sub, role, tenant_ids: tenants } = claims(ownerToken(SECRET, "ada", ["ten_1"]));
  assert.deepEqual([sub, role, tenants], ["ada", "owner", ["ten_1"]]);
  const { sent, client } = recorded({ role: "owner", tenantIds: ["ten_2"] });
  await client.GET("/tenants");
  assert.deepEqual(claims(sent[0].request.headers.get("authorization")).tenant_ids, ["ten_2"]);
});

/** A client behind a proxy's prefix, and what it sent. */
function recorded(who = {}) {
  const sent = [];
  const fetch = async (request) => {
    sent.push({ request: request.clone(), body: Buffer.from(await request.arrayBuffer()) });
    return Response.json({ data: [], next_cursor: null });
  };
  const baseUrl = "https://rp9.example/api/";
  return { sent, client: orchestrator({ baseUrl, jwtSecret: SECRET, hmacSecret: SECRET, subject: "portal", fetch, ...who }) };
}

test("what changes something is signed as it is sent, without the prefix of a proxy", async () => {
  const { sent, client } = recorded();
  const body = { name: "Ä", email: "a@b.co", subdomain: "acme", plan: "pro", mode: "dedicated" };
  await client.POST("/tenants", { body, params: { header: { "idempotency-key": "order-1" } } });
  const { request, body: bytes } = sent[0];
  assert.equal(request.url, "https://rp9.example/api/tenants");
  assert.equal(request.headers.get("idempotency-key"), "order-1");
  const timestamp = Number(request.headers.get("x-rp9-timestamp"));
  const expected = { method: "POST", target: "/tenants", body: bytes, idempotencyKey: "order-1", timestamp };
  assert.equal(request.headers.get("x-rp9-signature"), signature(SECRET, expected));
  assert.deepEqual(JSON.parse(bytes), body);
});

test("an API key asks and signs", async () => {
  const apiKey = `rp9_${"0a".repeat(16)}_${"1b".repeat(32)}`;
  const { sent, client } = recorded({ jwtSecret: undefined, hmacSecret: undefined, subject: undefined, apiKey });
  await client.DELETE("/tenants/{id}", { params: { path: { id: "acme" } } });
  const { headers } = sent[0].request;
  assert.equal(headers.get("authorization"), `Bearer ${apiKey}`);
  const signed = { method: "DELETE", target: "/tenants/acme", body: Buffer.alloc(0) };
  const [timestamp, idempotencyKey] = [Number(headers.get("x-rp9-timestamp")), headers.get("idempotency-key")];
  assert.equal(headers.get("x-rp9-signature"), signature(apiKey, { ...signed, timestamp, idempotencyKey }));
});

test("a key is made where none was chosen, and reads need neither", async () => {
  const { sent, client } = recorded();
  await client.DELETE("/tenants/{id}", { params: { path: { id: "acme" } } });
  await client.GET("/tenants", { params: { query: { limit: 1, q: "a b" } } });
  assert.match(sent[0].request.headers.get("idempotency-key"), /^[0-9a-f-]{36}$/);
  const read = sent[1].request.headers;
  assert.ok(read.get("authorization").startsWith("Bearer "));
  assert.deepEqual([read.get("x-rp9-signature"), read.get("idempotency-key")], [null, null]);
});
