//! Who is healed now, and who waits. Pure.

use common::id::TenantId;

use super::{
    drift::{Drift, Urgency, urgency},
    plan::Plan,
    rows::Rows,
};

/// So many tenants that run and do not work are healed at once; when it is more of them, what is wrong is not theirs.
pub(super) const REVIVED_AT_ONCE: usize = 5;

/// What is wrong with a tenant that is healed now, and which of its containers get this release's settings by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cure {
    pub drifts: Vec<Drift>,
    pub renew: Vec<String>,
}

/// The drifted tenants that are healed now.
///
/// Restoring what is missing never waits but for tenants it did not help, and leaves the settings of what is there as they are. Renewing
/// goes one tenant after the other, while nothing else is to be healed and every tenant that was renewed has been well for a while: a
/// release whose settings do harm stops at the first one.
pub fn pace(plan: &Plan, rows: &Rows) -> Vec<(TenantId, Cure)> {
    let proved = is_proved(plan, rows);
    let trouble = |tenant: &TenantId| rows.tenants.get(tenant).and_then(|expected| expected.trouble);
    let drifted = plan.drifted.iter();
    let healable = drifted.filter(|(tenant, _)| trouble(tenant).is_none_or(|trouble| trouble.healable));
    let mut due: Vec<_> = healable.map(|(tenant, drifts)| (urgency(drifts), *tenant, drifts)).collect();
    // The same order in every replica, so that they choose the same ones.
    due.sort_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
    let mut healing = rows.healing;
    let mut now = vec![];
    for (urgency, tenant, drifts) in due {
        let heal = match urgency {
            Urgency::Restore => true,
            Urgency::Revive => healing < REVIVED_AT_ONCE,
            Urgency::Renew => healing == 0 && proved,
        };
        if heal {
            healing += 1;
            let in_vain = trouble(&tenant).is_some_and(|trouble| trouble.heals > 0);
            let renew = drifts.iter().filter_map(|drift| drift.renew(urgency, in_vain));
            now.push((tenant, Cure { drifts: drifts.clone(), renew: renew.map(str::to_owned).collect() }));
        }
    }
    now
}

/// Whether no tenant that has the newest settings, in part or whole, is in trouble or has yet to show that it is in none.
fn is_proved(plan: &Plan, rows: &Rows) -> bool {
    let troubled = |tenant| rows.tenants.get(tenant).is_some_and(|expected| expected.trouble.is_some());
    !plan.renewed.iter().any(troubled)
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
