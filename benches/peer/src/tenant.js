// A tenant as it is asked for and as it is shown: the gateway's fields and, but for lists of reserved words, its rules.
import { z } from 'zod'
import { Refused } from './auth.js'

const METADATA_BYTES = 4096

const NewTenant = z.strictObject({
  name: z.string().trim().min(1).max(120),
  email: z.email().max(254),
  subdomain: z.string().min(3).max(40).regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  mode: z.enum(['dedicated']),
  plan: z.enum(['starter', 'pro', 'enterprise']),
  region: z.string().regex(/^[a-z0-9_-]{1,40}$/).nullish(),
  custom_domain: z.string().max(253).regex(/^([a-z0-9-]+\.)+[a-z]+$/).nullish(),
  compliance: z.array(z.string().regex(/^[A-Za-z0-9._-]{1,40}$/)).max(16).nullish(),
  metadata: z
    .record(z.string(), z.json())
    .refine((object) => JSON.stringify(object).length <= METADATA_BYTES, 'may be at most 4 kB of JSON')
    .nullish()
})

/** Reads a body, or tells everything that is wrong with it. */
export function parse(body) {
  const read = NewTenant.safeParse(body)
  if (read.success) return read.data
  const errors = read.error.issues.map(({ path, code, message }) => ({
    pointer: path.map((step) => `/${step}`).join(''),
    code,
    detail: message
  }))
  throw new Refused(422, 'invalid_fields', errors)
}

/** The answer that the gateway gives. */
export function created(id, operation, subdomain) {
  const login = loginUrl(subdomain)
  return { tenant_id: id, login_url: login, loginUrl: login, status: 'provisioning', operation_id: operation }
}

/** A row of `find` as the gateway shows it. */
export function shown(row) {
  const cores = row.cpu_millis / 1000
  return {
    data: {
      status: row.status,
      tenant: {
        id: typed('ten', row.id),
        name: row.name,
        email: row.email,
        subdomain: row.subdomain,
        mode: row.mode,
        status: row.status,
        plan: row.plan,
        region: row.region,
        custom_domain: row.custom_domain,
        compliance: row.compliance,
        metadata: row.metadata,
        login_url: loginUrl(row.subdomain),
        container_id: row.instances.find(({ role }) => role === 'main')?.name ?? null,
        n8n_version: row.n8n_version,
        cpu_cores: cores,
        memory_mb: row.memory_mb,
        workers: row.workers,
        storage_gb: row.storage_gb,
        cluster: row.cluster_id,
        created_at: row.created_at,
        updated_at: row.updated_at,
        failure: row.failure
      },
      instances: row.instances.map(({ cpu_millis, ...rest }) => ({ ...rest, cpu_cores: cpu_millis / 1000 })),
      limits: {
        cpu_cores: cores,
        memory_mb: row.memory_mb,
        workers: row.workers,
        storage_gb: row.storage_gb,
        executions_per_month: row.executions_per_month,
        concurrent_executions: row.concurrent_executions,
        api_calls_per_hour: row.api_calls_per_hour
      }
    }
  }
}

/** An id as it is told: a prefix and the UUID's digits. */
export const typed = (prefix, uuid) => `${prefix}_${uuid.replaceAll('-', '')}`

/** The UUID in an id that was told. */
export function untyped(prefix, text) {
  const digits = new RegExp(`^${prefix}_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$`).exec(text)
  return digits?.slice(1).join('-')
}

const loginUrl = (subdomain) => `http://${subdomain}.localhost:8000`
