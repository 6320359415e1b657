// Against a gateway that runs: crates/gateway/tests/api/outside.rs starts one and this, with RP9_URL and the secrets.
import assert from "node:assert/strict";
import { test } from "node:test";

import { idempotencyKey, orchestrator } from "../dist/client.js";

const { RP9_URL, RP9_JWT_SECRET, RP9_HMAC_SECRET } = process.env;

test("a tenant is created once, watched and removed", { skip: !RP9_URL && "no gateway: RP9_URL is not set" }, async () => {
  const secrets = { jwtSecret: RP9_JWT_SECRET, hmacSecret: RP9_HMAC_SECRET };
  const client = orchestrator({ baseUrl: RP9_URL, subject: "portal", ...secrets });
  const body = { name: "Müller", email: "a@b.example", subdomain: "from-node", plan: "pro", mode: "dedicated" };
  const params = { header: { "idempotency-key": idempotencyKey() } };

  const created = await client.POST("/tenants", { body, params });
  assert.equal(created.response.status, 201, JSON.stringify(created.error));
  const again = await client.POST("/tenants", { body, params });
  assert.equal(again.response.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(again.data, created.data);

  const { tenant_id: id, operation_id: operation } = created.data;
  const shown = await client.GET("/tenants/{id}", { params: { path: { id } } });
  assert.equal(shown.data.data.tenant.name, "Müller");
  const found = await client.GET("/tenants", { params: { query: { q: "üller", limit: 1 } } });
  assert.deepEqual(found.data.data.map((tenant) => tenant.id), [id]);
  const watched = await client.GET("/operations/{id}", { params: { path: { id: operation } } });
  assert.equal(watched.data.data.kind, "tenant.create");

  const owner = orchestrator({ baseUrl: RP9_URL, subject: "ada", ...secrets, role: "owner", tenantIds: [id] });
  const theirs = await owner.GET("/tenants");
  assert.deepEqual(theirs.data.data.map((tenant) => tenant.id), [id]);

  const refused = await client.POST("/tenants", { body });
  assert.deepEqual([refused.response.status, refused.error.code], [409, "subdomain_taken"]);
  const invalid = await client.POST("/tenants", { body: { ...body, subdomain: "www" } });
  assert.equal(invalid.error.errors[0].pointer, "/subdomain");

  const removed = await client.DELETE("/tenants/{id}", { params: { path: { id } } });
  assert.equal(removed.response.status, 202, JSON.stringify(removed.error));
});

test("an API key does what the secrets do, and nothing after it was revoked", { skip: !RP9_URL && "no gateway" }, async () => {
  const secrets = { jwtSecret: RP9_JWT_SECRET, hmacSecret: RP9_HMAC_SECRET };
  const client = orchestrator({ baseUrl: RP9_URL, subject: "portal", role: "admin", ...secrets });
  const made = await client.POST("/keys", { body: { name: "Portal", role: "service" } });
  assert.equal(made.response.status, 201, JSON.stringify(made.error));
  const keyed = orchestrator({ baseUrl: RP9_URL, apiKey: made.data.key });
  const body = { name: "By key", email: "a@b.example", subdomain: "by-key", plan: "pro", mode: "dedicated" };
  const created = await keyed.POST("/tenants", { body });
  assert.equal(created.response.status, 201, JSON.stringify(created.error));
  const revoked = await client.DELETE("/keys/{id}", { params: { path: { id: made.data.data.id } } });
  assert.equal(revoked.data.state, "revoked");
  assert.equal((await keyed.GET("/tenants")).error.code, "token_invalid");
});

test("what is signed with another secret is refused", { skip: !RP9_URL && "no gateway" }, async () => {
  const baseUrl = RP9_URL;
  const client = orchestrator({ baseUrl, subject: "portal", jwtSecret: RP9_JWT_SECRET, hmacSecret: RP9_JWT_SECRET });
  const { error } = await client.DELETE("/tenants/{id}", { params: { path: { id: "acme" } } });
  assert.equal(error.code, "signature_invalid");
});
