/**
 * A client of the orchestrator whose requests carry a token, a signature and an idempotency key by themselves.
 *
 * Paths, parameters and bodies are checked against the description of the API when this is compiled; problems
 * (RFC 9457) come back as `error`, with `code` to branch on.
 */

import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { paths } from "./api.js";
import { idempotencyKey, ownerToken, signature, type StaffRole, token } from "./signing.js";

export type { components, paths } from "./api.js";
export { idempotencyKey, ownerToken, signature, token } from "./signing.js";

/** Where the API is and what proves who is asking. Keys and secrets belong in the functions' environment, nowhere else. */
export type Options = Place & (Keyed | (Secrets & (Staff | Owner)));

/** By an API key, which says who it is and what they may, and signs. */
export interface Keyed {
  apiKey: string;
  jwtSecret?: undefined;
  hmacSecret?: undefined;
}

/** By the platform's own secrets. */
export interface Secrets {
  apiKey?: undefined;
  jwtSecret: string;
  hmacSecret: string;
  /** Who it is, for the audit log and as the owner of idempotency keys. */
  subject: string;
}

/** One of our own programs; `service` unless it says otherwise. */
export interface Staff {
  role?: StaffRole;
}

/** On behalf of a customer, who sees these tenants and nothing else. */
export interface Owner {
  role: "owner";
  tenantIds: readonly string[];
}

/** What all callers need. */
export interface Place {
  /** Scheme, host and port, and a prefix if there is one. */
  baseUrl: string;
  /** For tests. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Methods that change nothing, and need neither a signature nor a key. */
const READS = ["GET", "HEAD", "OPTIONS"];

/** A client. */
export function orchestrator(options: Options): Client<paths> {
  const base = { baseUrl: options.baseUrl.replace(/\/+$/, "") };
  const client = createClient<paths>(options.fetch ? { ...base, fetch: options.fetch } : base);
  client.use(proving(options));
  return client;
}

function bearer(options: Options): string {
  if (options.apiKey !== undefined) return options.apiKey;
  const { jwtSecret, subject } = options;
  if (options.role === "owner") return ownerToken(jwtSecret, subject, options.tenantIds);
  return token(jwtSecret, subject, options.role ?? "service");
}

/** Puts on each request what it is checked for. A key that the caller chose stays. */
function proving(options: Options): Middleware {
  // A prefix of a proxy's is gone by the time the signature is checked.
  const prefix = new URL(options.baseUrl).pathname.replace(/\/+$/, "");
  return {
    async onRequest({ request }) {
      const proven = new Request(request);
      const { headers } = proven;
      headers.set("authorization", `Bearer ${bearer(options)}`);
      if (READS.includes(request.method)) return proven;
      if (!headers.has("idempotency-key")) headers.set("idempotency-key", idempotencyKey());
      const { pathname, search } = new URL(request.url);
      const timestamp = Math.floor(Date.now() / 1000);
      const signed = signature(options.apiKey ?? options.hmacSecret, {
        method: request.method,
        target: pathname.slice(prefix.length) + search,
        body: new Uint8Array(await proven.clone().arrayBuffer()),
        idempotencyKey: headers.get("idempotency-key") ?? undefined,
        timestamp,
      });
      headers.set("x-rp9-timestamp", String(timestamp));
      headers.set("x-rp9-signature", signed);
      return proven;
    },
  };
}
