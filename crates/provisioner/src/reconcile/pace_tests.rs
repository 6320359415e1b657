use std::time::Duration;

use super::*;
use crate::reconcile::rows::{Expected, Trouble};

fn id(number: u128) -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(number))
}

fn main() -> String {
    "main".into()
}

/// Tenants 1, 2, … that drifted like this.
fn drifted(drifts: &[Drift]) -> (Plan, Rows) {
    let numbered = || drifts.iter().zip(1..);
    let plan = Plan {
        drifted: numbered().map(|(drift, number)| (id(number), vec![drift.clone()])).collect(),
        outdated: numbered()
            .filter(|(drift, _)| matches!(drift, Drift::SettingsDiffer(_)))
            .map(|(_, number)| id(number))
            .collect(),
        ..Plan::default()
    };
    let tenants = numbered().map(|(_, number)| (id(number), Expected::default())).collect();
    (plan, Rows { tenants, ..Rows::default() })
}

fn trouble(rows: &mut Rows, tenant: TenantId, healable: bool, shown: bool) {
    let trouble = Trouble { age: Duration::ZERO, heals: 1, healable, shown };
    rows.tenants.entry(tenant).or_default().trouble = Some(trouble);
}

fn chosen(plan: &Plan, rows: &Rows) -> Vec<TenantId> {
    pace(plan, rows).into_iter().map(|(tenant, _)| tenant).collect()
}

#[test]
fn what_is_missing_is_restored_at_once_and_before_anything_else() {
    let (plan, mut rows) =
        drifted(&[Drift::SettingsDiffer(main()), Drift::NetworkMissing, Drift::LoginMissing]);
    rows.healing = REVIVED_AT_ONCE;
    assert_eq!(chosen(&plan, &rows), [id(2), id(3)]);
}

#[test]
fn many_that_hang_at_once_are_revived_a_few_at_a_time() {
    let (plan, mut rows) = drifted(&vec![Drift::ContainerUnhealthy(main()); 30]);
    assert_eq!(chosen(&plan, &rows), (1..=5).map(id).collect::<Vec<_>>());
    rows.healing = 3;
    assert_eq!(chosen(&plan, &rows).len(), 2);
    rows.healing = REVIVED_AT_ONCE;
    assert_eq!(chosen(&plan, &rows), []);
}

#[test]
fn a_release_reaches_one_tenant_after_the_other() {
    let (plan, mut rows) = drifted(&vec![Drift::SettingsDiffer(main()); 30]);
    assert_eq!(chosen(&plan, &rows), [id(1)]);
    rows.healing = 1;
    assert_eq!(chosen(&plan, &rows), []);
}

#[test]
fn a_release_stops_at_a_renewed_tenant_that_healing_does_not_help() {
    let (mut plan, mut rows) = drifted(&vec![Drift::SettingsDiffer(main()); 3]);
    // Its trouble is older than this release.
    trouble(&mut rows, id(2), true, true);
    assert_eq!(chosen(&plan, &rows), [id(1)]);
    // A renewed one that is being healed, or was renewed a moment ago, may still become well or unwell.
    trouble(&mut rows, id(7), true, false);
    assert_eq!(chosen(&plan, &rows), [id(1)]);
    plan.renewed.insert(id(7));
    assert_eq!(chosen(&plan, &rows), []);
    trouble(&mut rows, id(7), true, true);
    assert_eq!(chosen(&plan, &rows), []);
    // In part, because renewing it was given up.
    plan.outdated.insert(id(7));
    assert_eq!(chosen(&plan, &rows), []);
    rows.tenants.remove(&id(7));
    assert_eq!(chosen(&plan, &rows), [id(1)]);
}

#[test]
fn other_heals_leave_settings_as_they_are_unless_there_is_nothing_to_lose() {
    let former = || Drift::SettingsDiffer(main());
    let renewed = |rows: &Rows, drifts: &[Drift]| {
        let plan = Plan { drifted: vec![(id(1), drifts.to_vec())], ..Plan::default() };
        pace(&plan, rows).into_iter().flat_map(|(_, cure)| cure.renew).collect::<Vec<_>>()
    };
    let mut rows = drifted(&[former()]).1;
    let hangs = Drift::ContainerUnhealthy("worker".into());
    assert_eq!(renewed(&rows, &[former()]), [main()]);
    assert_eq!(renewed(&rows, &[former(), Drift::SharedDetached("edge")]), [""; 0]);
    assert_eq!(renewed(&rows, &[former(), hangs.clone()]), [""; 0], "a new beginning may help");
    trouble(&mut rows, id(1), true, false);
    assert_eq!(renewed(&rows, &[former(), hangs]), ["worker"], "it did not");
    assert_eq!(renewed(&rows, &[former(), Drift::LoginMissing]), [""; 0]);
}

#[test]
fn a_tenant_that_healing_does_not_help_is_left_alone_for_its_pause() {
    let (plan, mut rows) = drifted(&[Drift::NetworkMissing, Drift::ContainerCrashLooping(main())]);
    trouble(&mut rows, id(1), false, false);
    assert_eq!(chosen(&plan, &rows), [id(2)]);
    trouble(&mut rows, id(1), true, true);
    assert_eq!(chosen(&plan, &rows), [id(1), id(2)]);
}
