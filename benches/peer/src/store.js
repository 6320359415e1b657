// The same tables as the gateway's. Statements have names: Postgres plans each once for a connection.
import { hash, randomUUID } from 'node:crypto'
import pg from 'pg'
import { Refused } from './auth.js'
import { created, typed } from './tenant.js'

const UNIQUE_VIOLATION = '23505'

/** The pool and what is asked of it. */
export function store(connectionString, max) {
  const pool = new pg.Pool({ connectionString, max })
  return { create: (request, tenant) => create(pool, request, tenant), find: (id) => find(pool, id) }
}

// One query, with the instances gathered by Postgres: the quickest way that its users have.
const FIND = `
  select t.id, t.name, t.email, t.subdomain, t.mode, t.status, t.plan, t.region, t.custom_domain, t.compliance,
         t.metadata, t.n8n_version, t.cluster_id, t.failure, t.created_at, t.updated_at, l.cpu_millis, l.memory_mb,
         l.workers, l.storage_gb, l.executions_per_month, l.concurrent_executions, l.api_calls_per_hour,
         (select coalesce(json_agg(i order by i.color, i.role, i.ordinal), '[]')
            from (select name, role, color, ordinal, generation, cpu_millis, memory_mb, state, health, seen_at
                    from tenant_instances where tenant_id = t.id) i) as instances
    from tenants t join tenant_limits l on l.tenant_id = t.id
   where t.id = $1`

async function find(pool, id) {
  const { rows } = await pool.query({ name: 'find', text: FIND, values: [id] })
  return rows[0]
}

const KEEP = `
  insert into idempotency_keys (subject, key, request_digest, status, headers, body) values ($1, $2, $3, 201, $4, $5)
  on conflict (subject, key) do nothing`
const TENANT = `
  insert into tenants (id, name, email, subdomain, mode, status, plan, region, custom_domain, compliance, metadata,
                       n8n_version)
  values ($1, $2, $3, $4, $5, 'provisioning', $6, $7, $8, $9, $10, '2.41.1')`
const LIMITS = `
  insert into tenant_limits
    (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions,
     api_calls_per_hour)
  select $1, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions,
         api_calls_per_hour
    from plans where name = $2`
const OPERATION = `
  insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline)
  values ($1, 'tenant.create', $2, $3, $4, $5, now() + interval '1 hour')`
const AUDIT = `
  insert into audit_logs
    (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest)
  values ($1, $2, $3, 'tenant.create', $4, $5, $6, 'accepted', $7)`
const KEPT = 'select request_digest, status, headers, body from idempotency_keys where subject = $1 and key = $2'

// The transaction as it is written everywhere: one statement after the other, each awaited.
async function create(pool, request, tenant) {
  const { sub, role } = request.caller
  const key = request.headers['idempotency-key'] ?? null
  const [id, operation] = [uuidv7(), uuidv7()]
  const digest = Buffer.from(hash('sha256', `${request.method}\n${request.url}\n${request.rawBody}`, 'hex'), 'hex')
  const answer = {
    status: 201,
    location: `/operations/${typed('op', operation)}`,
    body: Buffer.from(JSON.stringify(created(typed('ten', id), typed('op', operation), tenant.subdomain)))
  }
  const client = await pool.connect()
  const run = (name, text, values) => client.query({ name, text, values })
  try {
    await client.query('begin')
    if (key !== null) {
      const kept = await run('keep', KEEP, [sub, key, digest, { location: answer.location }, answer.body])
      if (kept.rowCount === 0) {
        await client.query('rollback')
        return repeated(await run('kept', KEPT, [sub, key]), digest)
      }
    }
    const { name, email, subdomain, mode, plan, region, custom_domain, compliance, metadata } = tenant
    await run('tenant', TENANT, [
      id, name, email, subdomain, mode, plan, region, custom_domain, compliance ?? [], metadata ?? {}
    ])
    await run('limits', LIMITS, [id, plan])
    await run('operation', OPERATION, [operation, id, { tenant_id: typed('ten', id), mode, plan }, sub, request.id])
    await run('audit', AUDIT, [uuidv7(), sub, role, id, operation, request.id, digest])
    await client.query('commit')
    return answer
  } catch (error) {
    await client.query('rollback')
    throw error.code === UNIQUE_VIOLATION ? new Refused(409, 'subdomain_taken') : error
  } finally {
    client.release()
  }
}

function repeated({ rows: [kept] }, digest) {
  if (!kept || !kept.request_digest.equals(digest)) throw new Refused(409, 'idempotency_key_reused')
  return { status: kept.status, location: kept.headers.location, body: kept.body, replayed: true }
}

// The time first, as in the gateway's ids, so that new rows lie together in an index.
function uuidv7() {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
