//! One container of a tenant.

use std::{collections::BTreeMap, time::Duration};

use common::{id::TenantId, tenant::Purpose};
use engine::{ContainerSpec, HealthCheck, Limits, Ownership, RestartPolicy, Role, SecretFile, Tmpfs};
use n8n::{
    hooks::{self, HookFile},
    launch::{self, Launch, Secrets},
};
use wire::sizing;

use super::Blueprint;
use crate::store::{
    instances::{Instance, Place},
    tenants::Tenant,
};

/// n8n's process, its task runner and their threads stay far below this in all that was seen; a fork bomb does not.
const PIDS: u32 = 512;

/// The container for one row.
pub fn of_instance(blueprint: &Blueprint, instance: &Instance) -> ContainerSpec {
    let engine_role = match instance.place {
        Place::Main => Role::Main,
        Place::Front => Role::Webhook,
        Place::Worker(_) => Role::Worker,
    };
    let owner = Ownership {
        tenant: Some(blueprint.tenant.id),
        role: engine_role,
        color: instance.color,
        generation: instance.generation,
        cluster: blueprint.home.cluster.clone(),
    };
    let limits = Limits { cpu_millis: instance.cpu_millis, memory_mb: instance.memory_mb, pids: PIDS };
    let launch = blueprint.n8n.launch(role(&blueprint.tenant, instance));
    // One of a color that the tenant does not have is about to go.
    let sides = blueprint.home.sides();
    let image = blueprint.site.image(sides.version_of(instance.color).unwrap_or(sides.version));
    let mut spec = of_launch(image, owner, limits, launch, &blueprint.secrets.instance);
    spec.settings = launch::settings(blueprint.tenant.purpose, &blueprint.site.settings());
    spec.name.clone_from(&instance.name);
    spec.network.clone_from(&blueprint.network.name);
    spec.secrets.extend(hooks(blueprint.tenant.purpose));
    if blueprint.tenant.purpose.is_customer() && instance.place == Place::Main {
        spec.labels = traefik_labels(blueprint.tenant.id, &blueprint.n8n.host);
    }
    spec
}

/// What this container is to n8n.
pub(super) fn role(tenant: &Tenant, instance: &Instance) -> launch::Role {
    match instance.place {
        Place::Main => launch::Role::Main,
        Place::Front => launch::Role::Webhook,
        Place::Worker(_) => launch::Role::Worker {
            concurrency: sizing::concurrency_of_worker(tenant.concurrent_executions, tenant.base_workers),
        },
    }
}

/// A container of n8n as the engine wants it described; its name and network are still to be said.
pub(super) fn of_launch(
    image: String,
    owner: Ownership,
    limits: Limits,
    launch: Launch,
    secrets: &Secrets,
) -> ContainerSpec {
    let secret_files = launch.secret_files.iter().map(|file| SecretFile {
        path: file.path.clone(),
        content: launch::content(secrets, file),
        mode: 0o400,
    });
    ContainerSpec {
        name: String::new(),
        owner,
        image,
        secrets: secret_files.collect(),
        command: launch.command,
        env: launch.environment.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        launch: launch::REVISION,
        settings: String::new(),
        labels: BTreeMap::new(),
        network: String::new(),
        aliases: Vec::new(),
        limits,
        health: launch.health_check.map(health),
        restart: RestartPolicy::UnlessStopped,
        stop_timeout: launch.stop_timeout,
        tmpfs: launch.tmpfs.iter().map(|t| Tmpfs { path: t.path.to_owned(), size_mb: t.megabytes }).collect(),
    }
}

/// What an n8n loads at its start; a customer's own does on workers alone. Nothing secret, and beside the secrets because that is the
/// one directory that is a container's own.
fn hooks(purpose: Purpose) -> impl Iterator<Item = SecretFile> {
    let file =
        |hook: &HookFile| SecretFile { path: hook.path.into(), content: hook.content.into(), mode: 0o444 };
    hooks::files(purpose).iter().map(file)
}

/// The engine looks as often while a container starts as later, so the interval bounds both how late we learn that a new
/// container is ready and what a machine full of idle tenants spends on being asked (some 40 ms of a core each time).
/// Starting takes 4–20 s; with a fresh database on a busy machine up to a minute.
fn health(argv: Vec<String>) -> HealthCheck {
    HealthCheck {
        argv,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        start_period: Duration::from_secs(90),
        retries: 3,
    }
}

/// For whoever runs Traefik's Docker provider; ours routes by the document that the gateway serves.
fn traefik_labels(tenant: TenantId, host: &str) -> BTreeMap<String, String> {
    let name = tenant.digits();
    BTreeMap::from([
        ("traefik.enable".to_owned(), "true".to_owned()),
        (format!("traefik.http.routers.{name}.rule"), format!("Host(`{host}`)")),
        (format!("traefik.http.services.{name}.loadbalancer.server.port"), launch::PORT.to_string()),
    ])
}
