//! The one place where a request for a container is built. Everything that confines it is here and nowhere else.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, ContainerUpdateBody, EndpointSettings, HealthConfig, HostConfig,
    HostConfigLogConfig, Mount, MountType, MountVolumeOptions, NetworkingConfig,
    RestartPolicy as EngineRestart, RestartPolicyNameEnum,
};

use super::exit::{self, Joinable};
use crate::hash::SpecHash;
use crate::ownership::label;
use crate::spec::{
    ContainerSpec, HealthCheck, Limits, RestartPolicy, SECRETS_DIR, TENANT_UID, Tmpfs, secrets_volume,
};

/// Bytes in a megabyte, as engines count memory.
pub(super) const MEGABYTE: i64 = 1024 * 1024;

/// Billionths of a core in a thousandth.
pub(super) const NANOS_PER_MILLI: i64 = 1_000_000;

pub(super) fn create(spec: &ContainerSpec, network: &Joinable) -> ContainerCreateBody {
    let aliases = (!spec.aliases.is_empty()).then(|| spec.aliases.clone());
    let endpoint = EndpointSettings { aliases, network_id: Some(network.id.clone()), ..Default::default() };
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        user: Some(format!("{TENANT_UID}:{TENANT_UID}")),
        cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
        env: Some(spec.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        labels: Some(labels(spec)),
        healthcheck: spec.health.as_ref().map(health),
        // Rounded up: a zero would mean an instant kill.
        stop_timeout: Some(spec.stop_timeout.as_millis().div_ceil(1000).try_into().unwrap_or(i64::MAX)),
        host_config: Some(HostConfig {
            dns: (!network.has_exit).then(|| vec![exit::NO_RESOLVER.to_owned()]),
            dns_options: (!network.has_exit).then(|| exit::IMPATIENCE.map(str::to_owned).into()),
            ..host_config(spec)
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(spec.network.clone(), endpoint)])),
        }),
        ..Default::default()
    }
}

/// The wanted limits for a container that exists. No swap: memory is memory.
pub(super) fn update(limits: Limits) -> ContainerUpdateBody {
    let memory = i64::from(limits.memory_mb) * MEGABYTE;
    ContainerUpdateBody {
        nano_cpus: Some(i64::from(limits.cpu_millis) * NANOS_PER_MILLI),
        memory: Some(memory),
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(limits.pids)),
        ..Default::default()
    }
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let limits = update(spec.limits);
    HostConfig {
        nano_cpus: limits.nano_cpus,
        memory: limits.memory,
        memory_swap: limits.memory_swap,
        pids_limit: limits.pids_limit,
        restart_policy: Some(restart(spec.restart)),
        network_mode: Some(spec.network.clone()),
        tmpfs: Some(spec.tmpfs.iter().map(tmpfs).collect()),
        mounts: (!spec.secrets.is_empty()).then(|| vec![secrets(spec)]),
        ..confined()
    }
}

/// What is the same for every container of ours.
fn confined() -> HostConfig {
    let rotation = [("max-size", "10m"), ("max-file", "3")];
    HostConfig {
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        readonly_rootfs: Some(true),
        // Neither the host's nor another container's.
        ipc_mode: Some("private".to_owned()),
        publish_all_ports: Some(false),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(rotation.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        }),
        ..Default::default()
    }
}

fn labels(spec: &ContainerSpec) -> HashMap<String, String> {
    let owner = spec.owner.labels().into_iter().map(|(key, value)| (key.to_owned(), value));
    let hash = (label::SPEC.to_owned(), SpecHash::of(spec).to_string());
    let launch = (label::LAUNCH.to_owned(), spec.launch.to_string());
    let settings = (label::SETTINGS.to_owned(), spec.settings.clone());
    // Ours come last, so that nothing else can stand in their place.
    spec.labels.clone().into_iter().chain(owner).chain([hash, launch, settings]).collect()
}

fn secrets(spec: &ContainerSpec) -> Mount {
    Mount {
        target: Some(SECRETS_DIR.to_owned()),
        source: Some(secrets_volume(&spec.name)),
        typ: Some(MountType::VOLUME),
        // Engines write into a container's volume only where the container itself could. The directory belongs to root,
        // which no process in there can become, so nothing can be added, renamed or removed.
        read_only: Some(false),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    }
}

fn tmpfs(mount: &Tmpfs) -> (String, String) {
    let owner = format!("uid={TENANT_UID},gid={TENANT_UID}");
    (mount.path.clone(), format!("rw,noexec,nosuid,nodev,{owner},mode=0700,size={}m", mount.size_mb))
}

fn restart(policy: RestartPolicy) -> EngineRestart {
    let (name, retries) = match policy {
        RestartPolicy::Never => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(times))),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
    };
    EngineRestart { name: Some(name), maximum_retry_count: retries }
}

fn health(check: &HealthCheck) -> HealthConfig {
    let test = std::iter::once("CMD".to_owned()).chain(check.argv.iter().cloned()).collect();
    HealthConfig {
        test: Some(test),
        interval: Some(nanos(check.interval)),
        timeout: Some(nanos(check.timeout)),
        start_period: Some(nanos(check.start_period)),
        retries: Some(i64::from(check.retries)),
        ..Default::default()
    }
}

/// Engines refuse less than a millisecond and read zero as their default.
fn nanos(duration: Duration) -> i64 {
    duration.max(Duration::from_millis(1)).as_nanos().try_into().unwrap_or(i64::MAX)
}
