-- Ids as the gateway makes them: the first 48 bits are the time, so that new ones lie together in an index.
with ids as materialized (
    select overlay(uuid_send(gen_random_uuid()) placing substring(int8send(now.ms) from 3) from 1) as tenant,
           overlay(uuid_send(gen_random_uuid()) placing substring(int8send(now.ms) from 3) from 1) as operation,
           overlay(uuid_send(gen_random_uuid()) placing substring(int8send(now.ms) from 3) from 1) as audit,
           sha256(uuid_send(gen_random_uuid())) as digest
      from (select (extract(epoch from clock_timestamp()) * 1000)::int8 as ms) as now
), given as materialized (
    select encode(tenant, 'hex')::uuid as tenant, encode(operation, 'hex')::uuid as operation,
           encode(audit, 'hex')::uuid as audit, encode(tenant, 'hex') as word, digest from ids
), possible as (
    select from plans where name = 'pro'
), key as (
    insert into idempotency_keys (subject, key, request_digest, status, headers, body)
    select 'bench', given.tenant::text, given.digest, 201, '{"location": "/operations/op_0123456789abcdef0123456789abcdef"}',
           '{"tenant_id":"ten_0123456789abcdef0123456789abcdef","login_url":"http://t0123456789abcdef0123456789abcdef.localhost:8000","loginUrl":"http://t0123456789abcdef0123456789abcdef.localhost:8000","status":"provisioning","operation_id":"op_0123456789abcdef0123456789abcdef"}'
      from possible, given
    on conflict (subject, key) do nothing
    returning true
), signature as (
    insert into request_signatures (digest) select given.digest from key, given returning true
), tenant as (
    insert into tenants (id, name, email, subdomain, mode, status, plan, region, custom_domain, compliance, metadata,
                         n8n_version)
    select given.tenant, 'Acme Ltd', 'ada@acme.example', 't' || given.word, 'dedicated', 'provisioning', 'pro',
           'eu-central', null, '{gdpr}', '{"crm": "0042"}', '2.41.1'
      from signature, given
    returning id, plan
), limits as (
    insert into tenant_limits
        (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions,
         api_calls_per_hour)
    select tenant.id, p.cpu_millis, p.memory_mb, p.workers, p.storage_gb, p.executions_per_month,
           p.concurrent_executions, p.api_calls_per_hour
      from tenant join plans p on p.name = tenant.plan
), operation as (
    insert into operations (id, kind, tenant_id, request, actor, correlation_id, traceparent, deadline)
    select given.operation, 'tenant.create', tenant.id,
           '{"mode": "dedicated", "plan": "pro", "tenant_id": "ten_0123456789abcdef0123456789abcdef"}',
           'bench', given.word, '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01', now() + make_interval(secs => 3600)
      from tenant, given
), audit as (
    insert into audit_logs
        (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest)
    select given.audit, 'bench', 'service', 'tenant.create', tenant.id, given.operation, given.word, 'accepted', given.digest
      from tenant, given
)
select exists (select from tenant);
