use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use common::tenant::Color;
use engine::{
    ClusterId, ContainerSpec, Health, Limits, NetworkObserved, Observed, Ownership, RestartPolicy, Role,
    SpecHash,
};

use super::*;
use crate::reconcile::rows::{Noted, Part};
use n8n::members::Flaw;

/// What containers are configured with.
pub(in crate::reconcile) const SETTINGS: &str = "settings";

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
        launch: launch::REVISION,
        settings: SETTINGS.into(),
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
        launch: spec.launch,
        settings: spec.settings.clone(),
        state,
        health: Health::Healthy,
        restarts: 0,
        limits: spec.limits,
        address: None,
        started_at: None,
        exit_code: None,
        oom_killed: false,
    }
}

pub(in crate::reconcile) fn network(tenant: TenantId, attached: &[&str]) -> NetworkObserved {
    NetworkObserved {
        name: format!("net-{tenant}"),
        tenant: Some(tenant),
        cluster: cluster(),
        subnet: None,
        has_exit: true,
        generation: 1,
        attached: attached.iter().map(|role| (*role).to_owned()).collect::<BTreeSet<_>>(),
    }
}

/// What a row with the limits of [`container`] asks for.
pub(in crate::reconcile) fn wanted(name: &str) -> Wanted {
    Wanted { name: name.into(), is_worker: false, cpu_millis: 1000, memory_mb: 1024, noted: Noted::default() }
}

/// A tenant that is as it should be.
pub(in crate::reconcile) fn whole(tenant: TenantId) -> (Rows, Sight) {
    let expected = Expected { active: true, wanted: vec![wanted("main")], ..Expected::default() };
    let rows = Rows {
        tenants: BTreeMap::from([(tenant, expected)]),
        seen: HashMap::from([(tenant, Presence::Alive)]),
        ..Rows::default()
    };
    let inventory = Inventory {
        containers: vec![container(Some(tenant), "main", State::Running)],
        networks: vec![network(tenant, &["edge", "postgres", "redis"])],
        ..Inventory::default()
    };
    let all = || Some(HashSet::from([tenant]));
    (rows, Sight { inventory, logins: all(), roles: all(), ..Sight::default() })
}

fn planned(rows: &Rows, sight: &Sight) -> Plan {
    plan(rows, sight, &Watch::default(), SETTINGS, Instant::now())
}

#[test]
fn a_tenant_as_it_should_be_gives_nothing_to_do() {
    let (rows, sight) = whole(TenantId::generate());
    let plan = planned(&rows, &sight);
    assert!(plan.drifted.is_empty() && plan.orphans.is_empty() && plan.unknown.is_empty());
    assert!(plan.outdated.is_empty());
}

#[test]
fn every_way_of_drifting_is_named() {
    let tenant = TenantId::generate();
    let (rows, whole_sight) = whole(tenant);
    let damaged = |damage: &dyn Fn(&mut Sight)| {
        let mut sight = whole_sight.clone();
        damage(&mut sight);
        planned(&rows, &sight).drifted.into_iter().next().map(|(_, drifts)| drifts).unwrap_or_default()
    };
    let main = || "main".to_owned();
    assert_eq!(damaged(&|s| s.inventory.containers.clear()), [Drift::ContainerMissing(main())]);
    let state = |state: State| damaged(&|s| s.inventory.containers[0].state = state);
    assert_eq!(state(State::Exited), [Drift::ContainerDown(main())]);
    assert_eq!(state(State::Restarting), []);
    let limits = |s: &mut Sight| s.inventory.containers[0].limits.memory_mb = 1;
    assert_eq!(damaged(&limits), [Drift::LimitsDiffer(main())]);
    let launch = |launch: u32| damaged(&|s| s.inventory.containers[0].launch = launch);
    assert_eq!(launch(launch::REVISION - 1), [Drift::SettingsDiffer(main())]);
    assert_eq!(launch(launch::REVISION + 1), [], "a newer release's");
    let configure = |s: &mut Sight| s.inventory.containers[0].settings = "former".into();
    assert_eq!(damaged(&configure), [Drift::SettingsDiffer(main())]);
    let newer = |s: &mut Sight| {
        configure(s);
        s.inventory.containers[0].launch = launch::REVISION + 1;
    };
    assert_eq!(damaged(&newer), [], "a newer release's, whatever it knows of");
    assert_eq!(damaged(&|s| s.inventory.networks.clear()), [Drift::NetworkMissing]);
    let detach = |s: &mut Sight| s.inventory.networks[0].attached.retain(|role| role != "redis");
    assert_eq!(damaged(&detach), [Drift::SharedDetached("redis")]);
    assert_eq!(damaged(&|s| s.logins = Some(HashSet::new())), [Drift::LoginMissing]);
    assert_eq!(damaged(&|s| s.roles = Some(HashSet::new())), [Drift::RoleMissing]);
}

#[test]
fn what_is_shared_has_settings_of_its_own_and_those_of_customers_are_a_former_releases() {
    let tenant = TenantId::generate();
    let (mut rows, mut sight) = whole(tenant);
    rows.tenants.get_mut(&tenant).unwrap().purpose = Purpose::Shared;
    let differs = |sight: &Sight| planned(&rows, sight).outdated.contains(&tenant);
    assert!(differs(&sight));
    sight.inventory.containers[0].settings = launch::settings(Purpose::Shared, SETTINGS);
    assert!(!differs(&sight));
}

#[test]
fn a_sandbox_has_no_exit_and_hooks_of_its_own_and_everybody_else_has_one() {
    let tenant = TenantId::generate();
    let (mut rows, mut sight) = whole(tenant);
    let drifts = |rows: &Rows, sight: &Sight| {
        planned(rows, sight).drifted.into_iter().flat_map(|(_, drifts)| drifts).collect::<Vec<_>>()
    };
    sight.inventory.networks[0].has_exit = false;
    assert_eq!(drifts(&rows, &sight), [Drift::NetworkExitDiffers]);
    rows.tenants.get_mut(&tenant).unwrap().purpose = Purpose::Sandbox;
    sight.inventory.containers[0].settings = launch::settings(Purpose::Sandbox, SETTINGS);
    assert_eq!(drifts(&rows, &sight), []);
    sight.inventory.networks[0].has_exit = true;
    assert_eq!(drifts(&rows, &sight), [Drift::NetworkExitDiffers]);
}

#[test]
fn what_a_later_release_made_is_left_alone() {
    let tenant = TenantId::generate();
    let (mut rows, mut sight) = whole(tenant);
    rows.tenants.get_mut(&tenant).unwrap().purpose = Purpose::Unknown;
    sight.inventory.containers.clear();
    sight.inventory.networks.clear();
    let plan = planned(&rows, &sight);
    assert!(plan.drifted.is_empty() && plan.outdated.is_empty() && plan.renewed.is_empty());
}

#[test]
fn nothing_is_concluded_from_what_was_not_seen() {
    let (rows, mut sight) = whole(TenantId::generate());
    (sight.logins, sight.roles) = (None, None);
    let silent = sight.inventory.containers.remove(0).name;
    sight.inventory.unknown.insert(silent);
    assert!(planned(&rows, &sight).drifted.is_empty());
    let drift = of_container(&wanted("main"), &sight.inventory, |_| false, Some(Complaint::Silent));
    assert_eq!(drift, Some(Drift::ContainerSilent("main".into())));
}

#[test]
fn what_time_tells_is_a_drift_of_a_container_that_runs() {
    let complaints = [
        (Complaint::Unhealthy, Drift::ContainerUnhealthy("main".into())),
        (Complaint::CrashLooping, Drift::ContainerCrashLooping("main".into())),
    ];
    for (complaint, drift) in complaints {
        for state in [State::Running, State::Restarting] {
            let inventory =
                Inventory { containers: vec![container(None, "main", state)], ..Inventory::default() };
            assert_eq!(
                of_container(&wanted("main"), &inventory, |_| false, Some(complaint)),
                Some(drift.clone())
            );
        }
    }
}

#[test]
fn only_a_worker_that_has_been_well_for_long_is_blamed_for_what_waits() {
    let tenant = TenantId::generate();
    let (mut rows, mut sight) = whole(tenant);
    sight.inventory.containers.push(container(Some(tenant), "worker", State::Running));
    let expected = rows.tenants.get_mut(&tenant).unwrap();
    expected.wanted.push(Wanted { is_worker: true, ..wanted("worker") });
    expected.starves = true;
    let (mut watch, start) = (Watch::default(), Instant::now());
    let mut drifts = |seconds: u64, sight: &Sight| {
        let now = start + Duration::from_secs(seconds);
        watch.look(&sight.inventory, sight.is_whole(), now);
        plan(&rows, sight, &watch, SETTINGS, now).drifted.pop().map(|(_, drifts)| drifts).unwrap_or_default()
    };
    let idle = Drift::WorkerIdle(Run { container: "worker".into(), started_at: None });
    assert_eq!(drifts(0, &sight), []);
    assert_eq!(drifts(39, &sight), []);
    assert_eq!(drifts(40, &sight), std::slice::from_ref(&idle));
    sight.inventory.containers[1].settings = "former".into();
    assert_eq!(drifts(41, &sight), [Drift::SettingsDiffer("worker".into()), idle.clone()]);
    sight.inventory.containers[0].state = State::Exited;
    assert_eq!(
        drifts(42, &sight),
        [Drift::ContainerDown("main".into()), Drift::SettingsDiffer("worker".into())]
    );
    sight.logins = None;
    assert!(!drifts(43, &sight).contains(&idle), "Redis is away");
}

#[test]
fn a_tenant_an_operation_works_on_is_left_to_it() {
    let tenant = TenantId::generate();
    let (mut rows, sight) = whole(tenant);
    rows.tenants.get_mut(&tenant).unwrap().busy = true;
    let nothing = Sight { logins: Some(HashSet::new()), ..Sight::default() };
    assert!(planned(&rows, &nothing).drifted.is_empty());
    rows.tenants.get_mut(&tenant).unwrap().active = false;
    assert!(planned(&rows, &nothing).drifted.is_empty() && planned(&rows, &sight).orphans.is_empty());
}

#[test]
fn what_a_gone_tenant_left_is_an_orphan_and_containers_come_before_networks() {
    let (alive, gone) = (TenantId::generate(), TenantId::generate());
    let (mut rows, mut sight) = whole(alive);
    rows.seen.insert(gone, Presence::Gone);
    sight.inventory.networks.insert(0, network(gone, &[]));
    sight.inventory.containers.push(container(Some(gone), "left", State::Running));
    // The platform's own, and so not nobody's.
    sight.inventory.containers.push(container(None, "migrate", State::Exited));
    let plan = planned(&rows, &sight);
    let left = Orphan::Container { name: "left".into(), tenant: gone };
    assert_eq!(plan.orphans, [left, Orphan::Network { name: format!("net-{gone}"), tenant: gone }]);
}

#[test]
fn what_the_record_has_never_heard_of_is_nobodys_to_remove() {
    let (alive, strange) = (TenantId::generate(), TenantId::generate());
    let (rows, mut sight) = whole(alive);
    sight.inventory.networks.push(network(strange, &[]));
    sight.inventory.containers.push(container(Some(strange), "theirs", State::Running));
    let plan = planned(&rows, &sight);
    assert_eq!((plan.orphans, plan.unknown), (vec![], BTreeSet::from([strange])));
}

/// Who a tenant is in an n8n that it shares.
pub(in crate::reconcile) fn part() -> Part {
    let limits = crate::workspace::limits(2, 1000);
    let (instance, created_at) = (TenantId::generate(), time::OffsetDateTime::UNIX_EPOCH);
    Part { instance, place: n8n::members::Place::draw().unwrap(), limits, created_at }
}

#[test]
fn of_one_who_shares_an_n8n_its_part_is_looked_at_and_nothing_else_is_missed() {
    let tenant = TenantId::generate();
    let (mut rows, mut sight) = whole(tenant);
    let expected = Expected { active: true, part: Some(part()), ..Expected::default() };
    rows.tenants.insert(tenant, expected);
    sight.inventory = Inventory::default();
    assert!(planned(&rows, &sight).drifted.is_empty(), "nobody has looked");
    sight.members.seen.insert(tenant, vec![]);
    assert!(planned(&rows, &sight).drifted.is_empty());
    sight.members.seen.insert(tenant, vec![Flaw::Disabled, Flaw::Stranger]);
    let drifts = vec![Drift::Member(Flaw::Disabled), Drift::Member(Flaw::Stranger)];
    assert_eq!(planned(&rows, &sight).drifted, [(tenant, drifts)]);
    rows.tenants.get_mut(&tenant).unwrap().busy = true;
    assert!(planned(&rows, &sight).drifted.is_empty(), "an operation is at it");
}
