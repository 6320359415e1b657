/** What a request to the orchestrator proves itself with: tokens and signatures, as docs/api.md describes them. */

import { createHash, createHmac, randomUUID } from "node:crypto";

/** What is signed: everything the request consists of. */
export interface Signable {
  /** In capitals. */
  method: string;
  /** Path and query exactly as they are sent. */
  target: string;
  body: Uint8Array;
  idempotencyKey?: string | undefined;
  /** Unix seconds; the server accepts 300 either way. */
  timestamp: number;
}

/** The `v2` signature of a request: hexadecimal HMAC-SHA256 over its five parts, joined by line feeds. */
export function signature(secret: string, request: Signable): string {
  const body = createHash("sha256").update(request.body).digest("hex");
  const parts = [request.timestamp, request.method, request.target, body, request.idempotencyKey ?? ""];
  return `v2=${createHmac("sha256", secret).update(parts.join("\n")).digest("hex")}`;
}

/** A key under which a request is done once, however often it is sent. Keep it to send the same request again. */
export function idempotencyKey(): string {
  return randomUUID();
}

/** The audience of every token. */
const AUDIENCE = "rp9-orchestrator";

/** The roles of those who see every tenant. */
export type StaffRole = "service" | "operator" | "admin";

/** A token (JWT, HS256) for a caller of this role, valid for so many seconds. */
export function token(secret: string, subject: string, role: StaffRole, seconds = 300): string {
  return signed(secret, { sub: subject, role }, seconds);
}

/** A token for a customer, to whom nothing but these tenants exists. */
export function ownerToken(secret: string, subject: string, tenantIds: readonly string[], seconds = 300): string {
  return signed(secret, { sub: subject, role: "owner", tenant_ids: tenantIds }, seconds);
}

function signed(secret: string, who: object, seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { ...who, aud: AUDIENCE, iat: now, exp: now + seconds };
  const message = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${message}.${createHmac("sha256", secret).update(message).digest("base64url")}`;
}
