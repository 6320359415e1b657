//! A tenant of its own and an n8n that tenants share, side by side: each tries to get at the other, from inside its own container.

use e2e::{Api, docker, first_tenant, main_of};
use serde_json::Value;

/// Run by the Node of the tenant's own image, with the secrets that its container really has.
const INTRUDER: &str = include_str!("intruder.js");

fn intrude(main: &str, other: &str, other_address: &str) -> Value {
    let (other, address) = (format!("OTHER={other}"), format!("ADDRESS={other_address}"));
    let output = docker(&["exec", "--env", &other, "--env", &address, main, "node", "-e", INTRUDER]).unwrap();
    serde_json::from_str(output.lines().last().unwrap()).unwrap_or_else(|e| panic!("{e}: {output}"))
}

fn address_of(container: &str) -> String {
    docker(&["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container])
        .unwrap()
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn two_tenants_do_not_see_each_others_database_queue_or_network() {
    let api = Api::of_environment();
    let [one, other] = [first_tenant(), api.first_shared_instance().await];
    for (intruder, victim) in [(&one, &other), (&other, &one)] {
        stays_outside(intruder, victim);
    }
}

fn stays_outside(intruder: &str, victim: &str) {
    let found = intrude(&main_of(intruder), victim, &address_of(&main_of(victim)));
    // What must work, so that a script that can do nothing does not pass.
    for own in ["own_database", "own_queue"] {
        assert_eq!(found[own], "ok", "{found:#}");
    }
    let attempts = found.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with("own_"));
    let got_in: Vec<_> =
        attempts.clone().filter(|(_, result)| *result == "ok").map(|(name, _)| name).collect();
    assert!(got_in.is_empty(), "got in: {got_in:?}\n{found:#}");
    assert!(attempts.count() >= 10, "{found:#}");
}
