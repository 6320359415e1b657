//! What a container may not do, asked of the engine and tried from inside.

use std::time::Duration;

use bollard::query_parameters::InspectContainerOptions;
use engine::contract::Stage;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::outside::Place;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn the_engine_shows_every_container_confined() {
    let place = Place::prepare(2).await;
    let stage = shared_stage(&place).await;
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    let shown = place.api.inspect_container(&spec.name, None::<InspectContainerOptions>).await.unwrap();

    let host = shown.host_config.unwrap();
    assert_eq!(host.privileged, Some(false));
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
    assert!(host.cap_add.unwrap_or_default().is_empty());
    assert_eq!(host.readonly_rootfs, Some(true));
    assert_eq!(host.security_opt, Some(vec!["no-new-privileges:true".to_owned()]));
    assert!(host.binds.unwrap_or_default().is_empty());
    assert!(host.devices.unwrap_or_default().is_empty());
    assert!(host.port_bindings.unwrap_or_default().is_empty());
    assert_eq!(host.network_mode, Some(stage.network.name.clone()));
    for namespace in [host.pid_mode, host.uts_mode, host.userns_mode] {
        assert_eq!(namespace.unwrap_or_default(), "");
    }
    assert_eq!(host.ipc_mode.as_deref(), Some("private"));
    assert_eq!(host.pids_limit, Some(32));
    assert_eq!(host.memory, Some(64 * 1024 * 1024));
    let log = host.log_config.unwrap();
    assert_eq!((log.typ.as_deref(), log.config.unwrap().contains_key("max-size")), (Some("json-file"), true));
    assert_eq!(shown.config.unwrap().user.as_deref(), Some("1000:1000"));
    let mounts = shown.mounts.unwrap();
    assert!(mounts.iter().all(|mount| mount.typ.as_deref() == Some("volume")), "{mounts:?}");
    stage.strike().await;
    place.clean().await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn a_container_finds_itself_confined() {
    let place = Place::prepare(3).await;
    let stage = shared_stage(&place).await;
    let script = "
        id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status | tr -d '\\t ';
        touch /written 2>/dev/null && echo root-is-writable;
        touch /run/secrets/new 2>/dev/null && echo secrets-are-writable;
        rm -f /run/secrets/key 2>/dev/null && echo secrets-are-removable;
        touch /tmp/file && echo tmp-works;
        ls /var/run/docker.sock 2>/dev/null;
        cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null;
        exit 0";
    let said = stage.engine.run_once(&stage.job(script), PATIENCE).await.unwrap().logs_tail;
    let lines: Vec<_> = said.lines().collect();
    let zero = "0000000000000000";
    let expected = [
        "1000",
        &format!("CapBnd:{zero}"),
        &format!("CapEff:{zero}"),
        "NoNewPrivs:1",
        "tmp-works",
        "67108864",
    ];
    for line in expected {
        assert!(lines.contains(&line), "no {line:?} in {said}");
    }
    assert_eq!(lines.len(), expected.len(), "{said}");
    stage.strike().await;
    place.clean().await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn secrets_are_files_and_nothing_else() {
    let place = Place::prepare(4).await;
    let stage = shared_stage(&place).await;
    let job = stage
        .job("stat -c '%a %u %g' /run/secrets/key; sha256sum /run/secrets/key; cat /run/secrets/key; exit 0");
    let secret = job.secrets[0].content.expose_secret();
    let said = stage.engine.run_once(&job, PATIENCE).await.unwrap().logs_tail;
    assert!(said.starts_with("400 1000 1000\n"), "{said}");
    assert!(said.contains(&hex::encode(Sha256::digest(secret))), "{said}");
    assert!(said.ends_with("[secret]"), "{said}");

    let main = stage.main();
    stage.engine.ensure_running(&main).await.unwrap();
    let shown = place.api.inspect_container(&main.name, None::<InspectContainerOptions>).await.unwrap();
    let canary = main.secrets[0].content.expose_secret();
    assert!(!serde_json::to_string(&shown).unwrap().contains(canary));
    let volume = format!("{}.secrets", main.name);
    let shown = place.api.inspect_volume(&volume).await.unwrap();
    assert!(!serde_json::to_string(&shown).unwrap().contains(canary));
    assert!(!format!("{main:?}").contains(canary));

    // They survive a restart, which goes without the one who wrote them.
    let job = stage.job("exit 0");
    stage.setup.outside.die(&main.name).await;
    stage.engine.ensure_running(&main).await.unwrap();
    assert_eq!(stage.engine.run_once(&job, PATIENCE).await.unwrap().exit_code, 0);
    stage.strike().await;
    place.clean().await;
}

async fn shared_stage(place: &Place) -> Stage<'_> {
    place.setup.outside.add_shared("edge").await;
    place.setup.outside.add_shared("postgres").await;
    Stage::with_network(&place.docker, &place.setup).await
}
