//! When a tenant is shown as unhealthy, and when not any more. Pure.

use std::time::{Duration, Instant};

use common::id::TenantId;
use engine::Inventory;

use super::{
    drift::{Drift, Urgency},
    rows::{Expected, Rows, Trouble, Wanted},
    sight::Sight,
    watch::Watch,
};

/// So long healing has for it to help: two minutes after a tenant drifted it is well, or shown to be not.
pub(super) const SHOW_AFTER: Duration = Duration::from_secs(90);

/// A renewal has as long as its operation: each of a tenant's processes may finish what it runs before it is replaced.
const SHOW_RENEWED_AFTER: Duration = Duration::from_secs(600);

/// Longer than an engine pauses before it starts what ended again, so that a crash loop is not taken for health in between.
pub(super) const CLEAR_AFTER: Duration = Duration::from_secs(120);

/// So often in a row what is missing is brought back at once, though it was before: somebody may kill it by hand, again and again.
const BROUGHT_BACK_AT_ONCE: u32 = 5;

/// It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What becomes of a tenant's trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleChange {
    /// With what is wrong now, which may be something else than when it was shown first, or nothing any more.
    Show(Vec<String>),
    Clear,
}

/// The tenants whose trouble turns. While something that all need is away, that is what is wrong, and not one tenant after the other.
pub fn turns(
    rows: &Rows,
    sight: &Sight,
    drifted: &[(TenantId, Vec<Drift>)],
    watch: &Watch,
    now: Instant,
) -> Vec<(TenantId, TroubleChange)> {
    let turn = |(tenant, expected): (&TenantId, &Expected)| {
        let trouble = expected.trouble?;
        let drifts =
            drifted.iter().find(|(drifted, _)| drifted == tenant).map(|(_, drifts)| drifts.as_slice());
        let reasons = reasons(expected, &sight.inventory, drifts.unwrap_or_default());
        let unknown = |wanted: &Wanted| sight.inventory.unknown.contains(&wanted.name);
        let unseen = expected.part.is_some() && !sight.members.seen.contains_key(tenant);
        let unseen = unseen || expected.wanted.iter().any(unknown);
        let well = expected.is_settled() && reasons.is_empty() && !unseen;
        let cured = well && well_for(*tenant, expected, watch, now) >= CLEAR_AFTER;
        let unwell = !reasons.is_empty() && (trouble.shown || is_late(trouble));
        let turn = if cured || !expected.active {
            TroubleChange::Clear
        } else if sight.is_whole() && (unwell || trouble.shown && well) {
            TroubleChange::Show(reasons)
        } else {
            return None;
        };
        Some((*tenant, turn))
    };
    rows.tenants.iter().filter_map(turn).collect()
}

/// Whether it should be well by now.
fn is_late(trouble: Trouble) -> bool {
    trouble.age >= if trouble.heals == 0 { SHOW_RENEWED_AFTER } else { SHOW_AFTER }
}

/// Why a tenant counts as unwell; nothing when it is as it should be, as far as can be seen, if only in a former release's way.
fn reasons(expected: &Expected, inventory: &Inventory, drifts: &[Drift]) -> Vec<String> {
    let unwell = drifts.iter().filter(|drift| drift.urgency() != Urgency::Renew);
    let mut reasons: Vec<_> = unwell.map(ToString::to_string).collect();
    let not_ready = expected.wanted.iter().filter(|wanted| {
        !inventory.unknown.contains(&wanted.name)
            && !inventory.find(&wanted.name).is_some_and(engine::Observed::is_ready)
    });
    // While an operation works on it nobody has looked for drifts.
    let unsaid = not_ready.filter(|wanted| !reasons.iter().any(|reason| reason.starts_with(&wanted.name)));
    let unsaid: Vec<_> = unsaid.map(|wanted| format!("{} is not ready", wanted.name)).collect();
    reasons.extend(unsaid);
    reasons
}

/// For how long all its containers have been well, or its part of the n8n that it shares.
fn well_for(tenant: TenantId, expected: &Expected, watch: &Watch, now: Instant) -> Duration {
    if expected.part.is_some() {
        return watch.part_well_for(tenant, now).unwrap_or_default();
    }
    let each = expected.wanted.iter().map(|wanted| watch.well_for(&wanted.name, now).unwrap_or_default());
    each.min().unwrap_or_default()
}

/// What is known of a tenant's heals before it is healed again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Healed {
    /// How often it was, since it was last well for a while.
    pub heals: u32,
    /// How many of these were in vain.
    pub in_vain: u32,
    /// Whether the last one did all it was to do.
    pub succeeded: bool,
}

impl Healed {
    /// How many of its heals were in vain, now that it needs another one: those that failed, those after which it runs and does not work
    /// again, and, where something is missing once more, those beyond the first few.
    pub fn in_vain_by_now(self, urgency: Urgency) -> u32 {
        let helped = self.succeeded && urgency != Urgency::Revive && self.heals <= BROUGHT_BACK_AT_ONCE;
        self.in_vain + u32::from(self.heals > 0 && !helped)
    }
}

/// How long a tenant is left alone after it is healed, when so many heals before were in vain: one that healing does not help gets it ever
/// more rarely.
pub fn pause_after(in_vain: u32) -> Duration {
    match in_vain.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
#[path = "troubles_tests.rs"]
mod tests;
