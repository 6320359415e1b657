use std::{collections::BTreeSet, time::Duration};

use common::tenant::Color;
use engine::{
    ClusterId, ContainerSpec, Health, Limits, NetworkObserved, Observed, Ownership, RestartPolicy, Role,
    SpecHash,
};

use super::*;

fn cluster() -> ClusterId {
    "local".parse().unwrap()
}

fn spec(tenant: Option<TenantId>, name: &str) -> ContainerSpec {
    ContainerSpec {
        name: name.into(),
        owner: Ownership { tenant, role: Role::Main, color: Color::Blue, generation: 1, cluster: cluster() },
        image: "n8n".into(),
        command: vec![],
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        network: "net".into(),
        aliases: vec![],
        limits: Limits { cpu_millis: 1000, memory_mb: 1024, pids: 512 },
        health: None,
        restart: RestartPolicy::UnlessStopped,
        stop_timeout: Duration::from_secs(1),
        tmpfs: vec![],
        secrets: vec![],
    }
}

pub(in crate::reconcile) fn container(tenant: Option<TenantId>, name: &str, state: State) -> Observed {
    let spec = spec(tenant, name);
    Observed {
        name: spec.name.clone(),
        owner: spec.owner.clone(),
        spec: SpecHash::of(&spec),
        image: spec.image.clone(),
        state,
        health: Health::Healthy,
        restarts: 0,
        limits: spec.limits,
        address: None,
        started_at: None,
        exit_code: None,
    }
}

pub(in crate::reconcile) fn network(tenant: TenantId, attached: &[&str]) -> NetworkObserved {
    NetworkObserved {
        name: format!("net-{tenant}"),
        tenant: Some(tenant),
        cluster: cluster(),
        subnet: None,
        generation: 1,
        attached: attached.iter().map(|role| (*role).to_owned()).collect::<BTreeSet<_>>(),
    }
}

/// A tenant that is as it should be.
fn whole(tenant: TenantId) -> (Rows, Inventory) {
    let wanted = Wanted { name: "main".into(), cpu_millis: 1000, memory_mb: 1024 };
    let rows = Rows { settled: BTreeMap::from([(tenant, vec![wanted])]), alive: HashSet::from([tenant]) };
    let inventory = Inventory {
        containers: vec![container(Some(tenant), "main", State::Running)],
        networks: vec![network(tenant, &["edge", "postgres", "redis"])],
        volumes: vec![],
    };
    (rows, inventory)
}

fn drifts_of(tenant: TenantId, rows: &Rows, inventory: &Inventory, logins: &[TenantId]) -> Vec<Drift> {
    let plan = plan(rows, inventory, logins);
    plan.drifted
        .into_iter()
        .find(|(drifted, _)| *drifted == tenant)
        .map(|(_, drifts)| drifts)
        .unwrap_or_default()
}

#[test]
fn a_tenant_as_it_should_be_gives_nothing_to_do() {
    let tenant = TenantId::generate();
    let (rows, inventory) = whole(tenant);
    let plan = plan(&rows, &inventory, &[tenant]);
    assert!(plan.drifted.is_empty() && plan.orphans.is_empty());
}

#[test]
fn every_way_of_drifting_is_named() {
    let tenant = TenantId::generate();
    let (rows, whole_inventory) = whole(tenant);
    let damaged = |damage: &dyn Fn(&mut Inventory)| {
        let mut inventory = whole_inventory.clone();
        damage(&mut inventory);
        drifts_of(tenant, &rows, &inventory, &[tenant])
    };
    let main = || "main".to_owned();
    assert_eq!(damaged(&|i| i.containers.clear()), [Drift::ContainerMissing(main())]);
    assert_eq!(damaged(&|i| i.containers[0].state = State::Exited), [Drift::ContainerDown(main())]);
    assert_eq!(damaged(&|i| i.containers[0].state = State::Restarting), []);
    assert_eq!(damaged(&|i| i.containers[0].limits.memory_mb = 1), [Drift::LimitsDiffer(main())]);
    assert_eq!(damaged(&|i| i.networks.clear()), [Drift::NetworkMissing]);
    assert_eq!(
        damaged(&|i| i.networks[0].attached.retain(|role| role != "redis")),
        [Drift::SharedDetached("redis")]
    );
    assert_eq!(drifts_of(tenant, &rows, &whole_inventory, &[]), [Drift::LoginMissing]);
}

#[test]
fn a_tenant_an_operation_works_on_is_left_to_it() {
    let tenant = TenantId::generate();
    let (mut rows, mut inventory) = whole(tenant);
    rows.settled.clear();
    inventory.containers.clear();
    let plan = plan(&rows, &inventory, &[]);
    assert!(plan.drifted.is_empty() && plan.orphans.is_empty());
}

#[test]
fn what_belongs_to_nobody_is_an_orphan_and_containers_come_before_networks() {
    let (alive, gone) = (TenantId::generate(), TenantId::generate());
    let (rows, mut inventory) = whole(alive);
    inventory.networks.insert(0, network(gone, &[]));
    inventory.containers.push(container(Some(gone), "left", State::Running));
    // The platform's own, and so not nobody's.
    inventory.containers.push(container(None, "migrate", State::Exited));
    let plan = plan(&rows, &inventory, &[alive]);
    let left = Orphan::Container { name: "left".into(), tenant: gone };
    assert_eq!(plan.orphans, [left, Orphan::Network { name: format!("net-{gone}"), tenant: gone }]);
}
