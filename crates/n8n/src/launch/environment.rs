//! The variables, by concern. Each is one that the installed n8n reads; what it defaults to rightly is left alone,
//! unless a tenant's safety hangs on it.

use crate::hooks;

use super::{GRACE, Instance, Launch, PORT, Pairs, Role, STOP_TIMEOUT, Scheme, Secret, SecretFile, Tmpfs};

/// Where the secrets are mounted.
const SECRETS: &str = "/run/secrets";

/// Whom n8n runs as in its image: the user `node`.
const USER: u32 = 1000;

/// Parts of n8n that call its makers, or that serve machines we do not run. The documented switches leave
/// `mcp-registry` calling api.n8n.io.
pub(super) const DISABLED_MODULES: &str =
    "mcp-registry,instance-ai,workflow-builder,chat-hub,mcp,quick-connect,community-packages";

/// What workflows may not reach beside n8n's own list of private networks: shared address space of providers, and the
/// IPv6 spellings of IPv4 addresses.
const BLOCKED_RANGES: &str = "default,100.64.0.0/10,224.0.0.0/4,240.0.0.0/4,64:ff9b::/96,2002::/16";

/// n8n excludes these two by default since 2.0; they run commands and watch files of the container.
const EXCLUDED_NODES: &str = r#"["n8n-nodes-base.executeCommand","n8n-nodes-base.localFileTrigger"]"#;

/// Finished jobs kept in Redis, of each sort, for ever: about 2 kB each, of each tenant. Whoever waits for a job's end looks it up as it
/// begins to wait, and every five seconds in case the news of it was lost (`Job.finished` of Bull). So many may end meanwhile:
/// twenty a second.
const KEPT_JOBS: &str = "100";

const TMPFS: [Tmpfs; 2] = [
    // n8n writes 47 MB at its start: caches of node types, its settings file, its event log.
    Tmpfs { path: "/home/node", uid: USER, gid: USER, mode: 0o700, megabytes: 256 },
    Tmpfs { path: "/tmp", uid: USER, gid: USER, mode: 0o700, megabytes: 256 },
];

pub(super) fn launch(instance: &Instance, role: Role) -> Launch {
    let mut secrets = vec![Secret::EncryptionKey, Secret::DatabasePassword];
    let mut pairs = [database(instance, role), isolation(), silence()].concat();
    if role != Role::Migrate {
        secrets.extend([Secret::JwtSecret, Secret::RedisPassword]);
        pairs.extend([queue(instance), address(instance), executions(role), runners(role)].concat());
        pairs.push(("GENERIC_TIMEZONE", instance.timezone.clone()));
        super::mail::extend(instance.mail.as_ref(), &mut pairs, &mut secrets);
    }
    let secret_files: Vec<_> = secrets
        .into_iter()
        .map(|secret| SecretFile { path: format!("{SECRETS}/{}", secret.file_name()), secret })
        .collect();
    pairs.extend(secret_files.iter().map(|file| (file.secret.variable(), file.path.clone())));
    Launch {
        command: command(role),
        environment: pairs.into_iter().collect(),
        secret_files,
        tmpfs: TMPFS.to_vec(),
        health_check: health_check(role),
        stop_timeout: STOP_TIMEOUT,
    }
}

fn command(role: Role) -> Vec<String> {
    match role {
        Role::Main => vec!["start".into()],
        Role::Worker { concurrency } => vec!["worker".into(), format!("--concurrency={concurrency}")],
        Role::Webhook => vec!["webhook".into()],
        // Every command migrates before it does anything; this one then does nothing else, and needs no Redis.
        Role::Migrate => vec!["list:workflow".into(), "--onlyId".into()],
    }
}

/// By a tool of a few kilobytes, because a Node started for each check costs a quarter of a second of a core. It fails on
/// any answer but success. It has no time limit of its own, for the check has one, and BusyBox 1.35 crashes with both.
/// `/healthz` alone answers before the migrations are through.
fn health_check(role: Role) -> Option<Vec<String>> {
    let url = format!("http://127.0.0.1:{PORT}/healthz/readiness");
    let wget = ["wget", "-q", "-O", "/dev/null", &url].map(str::to_owned);
    (role != Role::Migrate).then(|| wget.into())
}

fn text(pairs: &[(&'static str, &str)]) -> Pairs {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn database(instance: &Instance, role: Role) -> Pairs {
    let database = &instance.database;
    vec![
        ("DB_TYPE", "postgresdb".into()),
        ("DB_POSTGRESDB_HOST", database.host.clone()),
        ("DB_POSTGRESDB_PORT", database.port.to_string()),
        ("DB_POSTGRESDB_DATABASE", database.name.clone()),
        ("DB_POSTGRESDB_USER", database.user.clone()),
        ("DB_POSTGRESDB_POOL_SIZE", role.connections(instance.purpose).to_string()),
        // How long n8n waits between two tries while Postgres is away. Its own half a minute is what callers would go on failing
        // for after Postgres is back.
        ("DB_RECOVERY_BACKOFF_MIN_MS", "250".into()),
        ("DB_RECOVERY_BACKOFF_MAX_MS", "2000".into()),
        // A quarter of a minute of them at a start. A server that restarts is back by then; a login that is refused ends the process, so
        // that it can be seen.
        ("DB_STARTUP_CONNECT_MAX_RETRIES", "10".into()),
    ]
}

fn queue(instance: &Instance) -> Pairs {
    let redis = &instance.redis;
    vec![
        ("EXECUTIONS_MODE", "queue".into()),
        ("QUEUE_BULL_REDIS_HOST", redis.host.clone()),
        ("QUEUE_BULL_REDIS_PORT", redis.port.to_string()),
        ("QUEUE_BULL_REDIS_USERNAME", redis.user.clone()),
        // Both under the one prefix that the tenant's login may use; no other tenant's can begin alike.
        ("QUEUE_BULL_PREFIX", format!("{}bull", redis.prefix)),
        ("N8N_REDIS_KEY_PREFIX", format!("{}n8n", redis.prefix)),
        // n8n exits when Redis is away for longer. A minute outlasts a restart of it; ten seconds, its default, do not.
        ("QUEUE_BULL_REDIS_TIMEOUT_THRESHOLD", "60000".into()),
        // A finished job is looked up again by whoever waits for its answer. Removed at once, as by default, it is now and then
        // gone first, and a webhook that answers at the end never does: 5 of 800 calls, and none of 1,500 when they are kept.
        ("N8N_EXECUTIONS_QUEUE_KEEP_LAST_COMPLETED", KEPT_JOBS.into()),
        ("N8N_EXECUTIONS_QUEUE_KEEP_LAST_FAILED", KEPT_JOBS.into()),
    ]
}

fn address(instance: &Instance) -> Pairs {
    let Instance { host, port, scheme, .. } = instance;
    let url = format!("{}/", scheme.url(host, *port));
    vec![
        ("N8N_HOST", host.clone()),
        ("N8N_PORT", PORT.to_string()),
        ("N8N_PROTOCOL", scheme.as_str().into()),
        ("N8N_EDITOR_BASE_URL", url.clone()),
        ("N8N_WEBHOOK_URL", url),
        // The edge, and nothing before it that we trust.
        ("N8N_PROXY_HOPS", "1".into()),
        // A browser keeps a Secure cookie off plain http, so nobody could log in.
        ("N8N_SECURE_COOKIE", (*scheme == Scheme::Https).to_string()),
    ]
}

fn executions(role: Role) -> Pairs {
    let mut pairs = text(&[
        ("EXECUTIONS_DATA_PRUNE", "true"),
        ("EXECUTIONS_DATA_MAX_AGE", "336"),
        ("EXECUTIONS_DATA_PRUNE_MAX_COUNT", "10000"),
        ("N8N_DEFAULT_BINARY_DATA_MODE", "database"),
        ("OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS", "true"),
        ("N8N_METRICS", "true"),
    ]);
    pairs.push(("N8N_GRACEFUL_SHUTDOWN_TIMEOUT", GRACE.as_secs().to_string()));
    match role {
        Role::Main => pairs.extend(text(&[("N8N_METRICS_INCLUDE_QUEUE_METRICS", "true")])),
        Role::Worker { .. } => {
            pairs.extend(text(&[("QUEUE_HEALTH_CHECK_ACTIVE", "true")]));
            pairs.push(("QUEUE_HEALTH_CHECK_PORT", PORT.to_string()));
            pairs.push(("EXTERNAL_HOOK_FILES", hooks::OWN_ENTRY.into()));
        }
        Role::Webhook | Role::Migrate => {}
    }
    pairs
}

fn runners(role: Role) -> Pairs {
    let mut pairs = text(&[("N8N_RUNNERS_MODE", "internal"), ("N8N_PYTHON_ENABLED", "false")]);
    if let Role::Worker { concurrency } = role {
        pairs.push(("N8N_RUNNERS_MAX_CONCURRENCY", concurrency.to_string()));
    }
    pairs
}

/// What keeps one tenant's workflows from the platform and from other tenants.
fn isolation() -> Pairs {
    text(&[
        ("N8N_SSRF_PROTECTION_ENABLED", "true"),
        ("N8N_SSRF_BLOCKED_IP_RANGES", BLOCKED_RANGES),
        ("N8N_BLOCK_ENV_ACCESS_IN_NODE", "true"),
        ("N8N_BLOCK_FILE_ACCESS_TO_N8N_FILES", "true"),
        ("NODES_EXCLUDE", EXCLUDED_NODES),
        ("N8N_COMMUNITY_PACKAGES_ENABLED", "false"),
        ("N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS", "true"),
    ])
}

/// What keeps n8n from calling its makers, and its log fit for machines.
fn silence() -> Pairs {
    text(&[
        ("N8N_DIAGNOSTICS_ENABLED", "false"),
        ("N8N_VERSION_NOTIFICATIONS_ENABLED", "false"),
        ("N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED", "false"),
        ("N8N_DYNAMIC_BANNERS_ENABLED", "false"),
        ("N8N_HIRING_BANNER_ENABLED", "false"),
        ("N8N_PERSONALIZATION_ENABLED", "false"),
        ("N8N_TEMPLATES_ENABLED", "false"),
        ("N8N_LICENSE_AUTO_RENEW_ENABLED", "false"),
        ("N8N_DISABLED_MODULES", DISABLED_MODULES),
        ("N8N_LOG_OUTPUT", "console"),
        ("N8N_LOG_FORMAT", "json"),
    ])
}

#[cfg(test)]
mod tests {
    use common::{id::TenantId, tenant::Purpose};

    use super::super::{Database, Redis};
    use super::*;
    use crate::{Version, queues};

    fn instance(scheme: Scheme, port: u16) -> Instance {
        let tenant = TenantId::generate();
        let (name, user) = (tenant.to_string(), tenant.to_string());
        Instance {
            tenant,
            purpose: Purpose::Customer,
            version: Version::new(2, 41, 1),
            host: "acme.localhost".into(),
            scheme,
            port,
            database: Database { host: "postgres".into(), port: 5432, name, user },
            redis: Redis {
                host: "redis".into(),
                port: 6379,
                user: queues::user(tenant),
                prefix: queues::prefix(tenant),
            },
            timezone: "Europe/Berlin".into(),
            mail: None,
        }
    }

    #[test]
    fn addresses_carry_the_public_port_unless_it_is_the_usual_one() {
        let url =
            |scheme, port| instance(scheme, port).launch(Role::Main).environment["N8N_WEBHOOK_URL"].clone();
        assert_eq!(url(Scheme::Http, 8000), "http://acme.localhost:8000/");
        assert_eq!(url(Scheme::Http, 80), "http://acme.localhost/");
        assert_eq!(url(Scheme::Https, 443), "https://acme.localhost/");
        assert_eq!(url(Scheme::Https, 80), "https://acme.localhost:80/");
    }

    #[test]
    fn cookies_are_insecure_only_where_they_must_be() {
        let cookie = |scheme| instance(scheme, 1).launch(Role::Main).environment["N8N_SECURE_COOKIE"].clone();
        assert_eq!((cookie(Scheme::Http).as_str(), cookie(Scheme::Https).as_str()), ("false", "true"));
    }

    #[test]
    fn everything_in_redis_is_under_the_tenants_prefix() {
        let instance = instance(Scheme::Http, 8000);
        let environment = instance.launch(Role::Main).environment;
        for name in ["QUEUE_BULL_PREFIX", "N8N_REDIS_KEY_PREFIX"] {
            assert!(environment[name].starts_with(&queues::prefix(instance.tenant)), "{name}");
        }
    }

    #[test]
    fn each_secret_is_a_file_and_no_variable_holds_one() {
        for role in [Role::Main, Role::Worker { concurrency: 10 }, Role::Webhook, Role::Migrate] {
            let launch = instance(Scheme::Http, 8000).launch(role);
            assert_eq!(launch.secret_files.len(), if role == Role::Migrate { 2 } else { 4 });
            for file in &launch.secret_files {
                assert_eq!(launch.environment[file.secret.variable()], file.path);
            }
            let secret =
                |name: &str| ["PASSWORD", "SECRET", "KEY", "TOKEN"].iter().any(|word| name.ends_with(word));
            assert_eq!(launch.environment.keys().find(|name| secret(name)), None);
        }
    }

    #[test]
    fn strangers_in_one_n8n_have_hooks_and_less_of_what_is_everybodys() {
        let own = instance(Scheme::Http, 8000);
        let shared = Instance { purpose: Purpose::Shared, ..own.clone() };
        for role in [Role::Main, Role::Worker { concurrency: 10 }] {
            let (told, before) = (shared.launch(role).environment, own.launch(role).environment);
            assert_eq!(told["EXTERNAL_HOOK_FILES"], "/run/secrets/hooks.cjs");
            assert_ne!(before.get("EXTERNAL_HOOK_FILES"), Some(&told["EXTERNAL_HOOK_FILES"]));
            assert!(told["N8N_DISABLED_MODULES"].ends_with(",agents"));
            assert_eq!(told["EXECUTIONS_DATA_PRUNE_MAX_COUNT"], "0", "one tenant's are not another's");
            let excluded = |told: &str| serde_json::from_str::<Vec<String>>(told).unwrap();
            let excluded = [&told, &before].map(|told| excluded(&told["NODES_EXCLUDE"]));
            assert!(excluded[1].iter().all(|node| excluded[0].contains(node)), "{excluded:?}");
            assert!(
                before.keys().all(|name| told.contains_key(name)),
                "nothing that keeps tenants apart is left out"
            );
        }
        let pool =
            |instance: &Instance| instance.launch(Role::Main).environment["DB_POSTGRESDB_POOL_SIZE"].clone();
        assert_eq!((pool(&own), pool(&shared)), ("4".into(), "8".into()));
        assert_eq!(shared.launch(Role::Migrate), own.launch(Role::Migrate), "a template belongs to nobody");
    }

    #[test]
    fn a_sandbox_is_told_no_less_than_what_it_is_a_copy_of() {
        let own = instance(Scheme::Https, 443);
        let sandbox = Instance { purpose: Purpose::Sandbox, ..own.clone() };
        for role in [Role::Main, Role::Worker { concurrency: 5 }] {
            let (told, before) = (sandbox.launch(role).environment, own.launch(role).environment);
            assert_eq!(told["EXTERNAL_HOOK_FILES"], "/run/secrets/sandbox.cjs");
            let differ = before.iter().filter(|(name, value)| told.get(*name) != Some(*value));
            let differ: Vec<_> =
                differ.map(|(name, _)| *name).filter(|name| *name != "EXTERNAL_HOOK_FILES").collect();
            assert_eq!(differ, ["EXECUTIONS_DATA_PRUNE", "N8N_DISABLED_MODULES"]);
        }
    }

    #[test]
    fn a_worker_says_how_it_is_and_a_migration_ends_by_itself() {
        let instance = instance(Scheme::Http, 8000);
        let worker = instance.launch(Role::Worker { concurrency: 7 });
        assert_eq!(worker.command, ["worker", "--concurrency=7"]);
        assert_eq!(worker.environment["QUEUE_HEALTH_CHECK_ACTIVE"], "true");
        assert_eq!(worker.environment["EXTERNAL_HOOK_FILES"], "/run/secrets/own.cjs");
        assert_eq!(worker.environment["N8N_RUNNERS_MAX_CONCURRENCY"], "7");
        assert!(worker.health_check.is_some());
        let webhook = instance.launch(Role::Webhook);
        assert_eq!(webhook.command, ["webhook"]);
        assert!(webhook.health_check.is_some());
        assert_eq!(
            webhook.environment["N8N_WEBHOOK_URL"],
            instance.launch(Role::Main).environment["N8N_WEBHOOK_URL"],
            "callers notice nothing"
        );
        let migrate = instance.launch(Role::Migrate);
        assert_eq!(migrate.health_check, None);
        assert!(!migrate.environment.contains_key("EXECUTIONS_MODE"));
    }
}
