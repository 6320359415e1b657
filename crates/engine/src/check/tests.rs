use std::time::Duration;

use common::id::TenantId;
use common::tenant::Color;

use super::*;
use crate::ownership::{Ownership, Role};
use crate::spec::{HealthCheck, RestartPolicy};

fn spec() -> ContainerSpec {
    ContainerSpec {
        name: "acme-main".into(),
        owner: Ownership {
            tenant: Some(TenantId::generate()),
            role: Role::Main,
            color: Color::Blue,
            generation: 1,
            cluster: "local".parse().unwrap(),
        },
        image: "n8nio/n8n:2.41.1".into(),
        command: vec![],
        env: [("N8N_PORT".into(), "5678".into())].into(),
        launch: 1,
        settings: String::new(),
        labels: [("traefik.enable".into(), "true".into())].into(),
        network: "acme".into(),
        aliases: vec!["n8n".into()],
        limits: Limits { cpu_millis: 500, memory_mb: 512, pids: 256 },
        health: None,
        restart: RestartPolicy::UnlessStopped,
        stop_timeout: Duration::from_secs(30),
        tmpfs: vec![Tmpfs { path: "/tmp".into(), size_mb: 64 }],
        secrets: vec![SecretFile { path: "/run/secrets/key".into(), content: "k".into(), mode: 0o400 }],
    }
}

fn refused(change: impl FnOnce(&mut ContainerSpec)) -> bool {
    let mut spec = spec();
    change(&mut spec);
    matches!(container(&spec), Err(ContainerError::Invalid { .. }))
}

#[test]
fn an_ordinary_specification_is_accepted() {
    assert!(container(&spec()).is_ok());
}

#[test]
fn no_field_smuggles_in_what_is_not_the_callers_to_say() {
    for network in ["host", "none", "bridge", "default", "container:abc", ""] {
        assert!(refused(|s| s.network = network.into()), "network {network:?}");
    }
    for image in ["", "-it", "a b", "../containers/json", "a?x=1", "a#b", "a%2e"] {
        assert!(refused(|s| s.image = image.into()), "image {image:?}");
    }
    for name in ["", "/a", "a/b", "a b", "-a", "a?b", "acme.secrets"] {
        assert!(refused(|s| s.name = name.into()), "name {name:?}");
    }
    assert!(refused(|s| drop(s.labels.insert("io.rp9.tenant".into(), "ten_1".into()))));
    assert!(refused(|s| drop(s.env.insert("A=B".into(), "c".into()))));
    assert!(refused(|s| s.aliases.push("a b".into())));
}

#[test]
fn mounts_cannot_cover_or_leave_their_places() {
    for path in ["", "/", "tmp", "/a/../b", "/a:ro", "/a,exec", "/run/secrets", "/run/secrets/x", "//a"] {
        assert!(refused(|s| s.tmpfs = vec![Tmpfs { path: path.into(), size_mb: 1 }]), "tmpfs {path:?}");
    }
    for path in
        ["key", "/etc/passwd", "/run/secrets", "/run/secrets/", "/run/secrets/../x", "/run/secrets/a/b"]
    {
        let file = SecretFile { path: path.into(), content: "k".into(), mode: 0o400 };
        assert!(refused(|s| s.secrets = vec![file]), "secret {path:?}");
    }
    assert!(refused(|s| s.secrets.iter_mut().for_each(|file| file.mode = 0o4400)));
    assert!(refused(|s| s.secrets.extend(s.secrets.clone())));
}

#[test]
fn limits_are_never_absent() {
    for limits in [(0, 512, 10), (500, 0, 10), (500, 512, 0)] {
        let (cpu_millis, memory_mb, pids) = limits;
        assert!(refused(|s| s.limits = Limits { cpu_millis, memory_mb, pids }), "{limits:?}");
    }
}

#[test]
fn a_health_check_has_a_command() {
    let second = Duration::from_secs(1);
    let check =
        HealthCheck { argv: vec![], interval: second, timeout: second, start_period: second, retries: 1 };
    assert!(refused(|s| s.health = Some(check)));
}

#[test]
fn a_subnet_is_private_and_begins_where_it_says() {
    let with = |subnet: &str| NetworkSpec {
        name: "acme".into(),
        tenant: None,
        cluster: "local".parse().unwrap(),
        subnet: subnet.parse().unwrap(),
        attach: vec![],
        has_exit: true,
        generation: 1,
    };
    assert!(network(&with("10.201.0.16/28")).is_ok());
    for subnet in ["10.201.0.17/28", "10.201.0.0/30", "8.8.8.0/28", "169.254.169.240/28"] {
        assert!(network(&with(subnet)).is_err(), "{subnet}");
    }
    assert!(network(&NetworkSpec { name: "host".into(), ..with("10.201.0.16/28") }).is_err());
}
