// The package as its users get it: packed, installed into an empty project, imported and compiled against.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Compiles only if the types came along, and are as narrow as the description. */
const USER = `
import { orchestrator, ownerToken, type components } from "@rp9/orchestrator-client";

const secrets = { baseUrl: "https://rp9.example", jwtSecret: "j", hmacSecret: "h", subject: "portal" };
const client = orchestrator(secrets);
const { data, error } = await client.GET("/tenants/{id}", { params: { path: { id: "acme" } } });
export const status: components["schemas"]["TenantStatus"] | undefined = data?.data.status;
export const code: components["schemas"]["ProblemCode"] | undefined = error?.code;
export const owner = orchestrator({ ...secrets, role: "owner", tenantIds: ["ten_1"] });
export const keyed = orchestrator({ baseUrl: "https://rp9.example", apiKey: "rp9_1_2" });
// @ts-expect-error a key and the secrets
orchestrator({ ...secrets, apiKey: "rp9_1_2" });
export const token: string = ownerToken("j", "ada", ["ten_1"]);
// @ts-expect-error an owner without tenants
orchestrator({ ...secrets, role: "owner" });
// @ts-expect-error a body without a plan
await client.POST("/tenants", { body: { name: "Acme", email: "a@b.co", subdomain: "acme" } });
// @ts-expect-error a path that is not there
await client.GET("/nowhere");
`;

test("it installs into an empty project, is imported and compiled against", () => {
  const project = mkdtempSync(join(tmpdir(), "rp9-client-"));
  const run = (program, args, cwd = project) => execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });
  try {
    // Built already by the script that runs the tests.
    const packed = run("npm", ["pack", "--ignore-scripts", "--pack-destination", project], HERE).trim().split("\n").at(-1);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${packed}`]);

    const imported = `const client = await import("@rp9/orchestrator-client"); console.log(Object.keys(client).sort().join())`;
    const names = run("node", ["--input-type=module", "--eval", imported]).trim();
    assert.equal(names, "idempotencyKey,orchestrator,ownerToken,signature,token");

    writeFileSync(join(project, "user.ts"), USER);
    const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "user.ts"];
    run(process.execPath, [join(HERE, "node_modules/typescript/bin/tsc"), ...options]);
  } catch (error) {
    assert.fail(`${error.message}\n${error.stdout ?? ""}`);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});
