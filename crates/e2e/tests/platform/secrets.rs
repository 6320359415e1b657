//! No secret of the platform shows where people and programs look: logs, what the engine tells, process lists, the API.

use std::{fs, path::PathBuf, process::Command};

use common::config::{Env, Section};
use e2e::{Api, Service, docker, first_tenant};

struct State(PathBuf);

impl Section for State {
    fn read(env: &mut Env) -> Option<Self> {
        env.required::<String>("RP9_STATE").map(|path| Self(path.into()))
    }
}

/// Every key the deployment made: the content of each file, but for what is too short to be one.
fn secrets() -> Vec<(String, String)> {
    let State(state) = Env::of_process().load().unwrap();
    let files = fs::read_dir(state.join("keys")).unwrap().map(|entry| entry.unwrap().path());
    let read =
        files.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap().trim().to_owned()));
    // Of the recovery key one half is for everybody to see.
    read.filter(|(path, secret)| secret.len() >= 16 && !path.ends_with("recovery_recipient")).collect()
}

fn assert_clean(place: &str, text: &str, secrets: &[(String, String)]) {
    for (name, secret) in secrets {
        assert!(!text.contains(secret), "{place} shows {name}");
    }
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn no_secret_shows_in_logs_inspections_process_lists_or_answers() {
    let (api, mut secrets) = (Api::of_environment(), secrets());
    assert!(secrets.len() >= 8, "the deployment's keys were not found");
    let tenant = first_tenant();
    let login = api.get(&format!("/tenants/{tenant}/initial-login")).await.unwrap();
    let password = login.body["data"]["password"].as_str().unwrap().to_owned();
    secrets.push(("the owner's password".into(), password));

    for service in [
        "postgres",
        "redis",
        "nats",
        "traefik",
        "edge-relay",
        "gateway",
        "provisioner",
        "metrics-collector",
        "backup",
        "prometheus",
        "alertmanager",
    ] {
        let service = Service::of(service);
        assert_clean(
            &format!("docker inspect {}", service.name()),
            &docker(&["inspect", service.name()]).unwrap(),
            &secrets,
        );
        assert_clean(&format!("docker logs {}", service.name()), &service.logs(), &secrets);
    }
    for container in e2e::labelled("container", &tenant) {
        let of_tenant = tenants_secrets(&container);
        assert!(of_tenant.len() >= 4, "{container} has no secret files");
        let all: Vec<_> = secrets.iter().cloned().chain(of_tenant).collect();
        assert_clean(
            &format!("docker inspect {container}"),
            &docker(&["inspect", &container]).unwrap(),
            &all,
        );
        assert_clean(&format!("docker logs {container}"), &docker(&["logs", &container]).unwrap(), &all);
        let provisioner = Service::of("provisioner").logs();
        assert_clean("the provisioner's log", &provisioner, &all);
    }
    let processes = Command::new("ps").args(["-eww", "-o", "args"]).output().unwrap();
    assert_clean("the process list", &String::from_utf8_lossy(&processes.stdout), &secrets);
    for path in [format!("/tenants/{tenant}"), format!("/operations?tenant={tenant}"), "/metrics".into()] {
        assert_clean(&path, &api.get(&path).await.unwrap().body.to_string(), &secrets);
    }
}

fn tenants_secrets(container: &str) -> Vec<(String, String)> {
    let list = docker(&["exec", container, "ls", "/run/secrets"]).unwrap();
    let read = |name: &str| docker(&["exec", container, "cat", &format!("/run/secrets/{name}")]).unwrap();
    list.lines().map(|name| (format!("{container}'s {name}"), read(name))).collect()
}
