//! What happens to one platform, and when: drawn before it begins.

use std::{collections::BTreeMap, time::Duration};

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::{OperationKind, Request as _},
};
use uuid::Uuid;
use wire::kinds::{TenantCreate, TenantDelete, TenantHeal};

use super::{
    faults::{Fault, Faults},
    outside::{Broken, PARTS, Window},
    sagas,
};
use crate::{kinds::Whole, memory::Request};

/// Something that happens from outside.
#[derive(Debug, Clone)]
pub enum Happening {
    Accept(Request),
    Cancel(OperationId),
    Break(OperationId, Broken),
    /// A step of it cannot be done before somebody has looked so often.
    Hold(OperationId, Window),
    /// A fault that strikes a process, or the server.
    Strike(Fault),
    /// From here on nothing goes wrong.
    Calm,
}

/// What happens when.
pub struct Plan {
    pub processes: usize,
    /// Operations that each process drives at once.
    pub limit: usize,
    pub happenings: BTreeMap<(Duration, u32), Happening>,
}

const KINDS: [&OperationKind; 4] = [TenantCreate::KIND, TenantHeal::KIND, TenantDelete::KIND, Whole::KIND];

/// How often a step may have to be looked at in vain.
pub const MOST_LOOKS: u32 = 5;

/// Faults that need somebody to bring them about; the others befall every question.
const STRIKES: [Fault; 6] =
    [Fault::Partition, Fault::Pause, Fault::Crash, Fault::Stop, Fault::ClockJump, Fault::LeaseLoss];

impl Plan {
    pub fn draw(faults: &mut Faults) -> Self {
        let rough = faults.is_rough();
        let dice = faults.dice();
        let storm_ms = dice.u64(20_000..180_000);
        let (processes, limit) = (dice.usize(2..=4), dice.usize(1..=3));
        let mut plan = Self { processes, limit, happenings: BTreeMap::new() };
        let tenants = dice.u128(1..=3);
        for number in 1..=dice.u128(3..=9) {
            let at = dice.u64(0..storm_ms);
            plan.operation(dice, number, tenants, at, rough);
        }
        let strikes = if rough { dice.usize(0..12) } else { dice.usize(0..3) };
        for _ in 0..strikes {
            let fault = STRIKES[dice.usize(..STRIKES.len())];
            plan.at(dice.u64(0..storm_ms), Happening::Strike(fault));
        }
        plan.at(storm_ms, Happening::Calm);
        plan
    }

    fn operation(&mut self, dice: &mut fastrand::Rng, number: u128, tenants: u128, at: u64, rough: bool) {
        let id = OperationId::from_uuid(Uuid::from_u128(number));
        let kind = KINDS[dice.usize(..KINDS.len())];
        let short = dice.u32(..5) == 0;
        let deadline = if short { Duration::from_secs(dice.u64(1..60)) } else { kind.deadline };
        let tenant = TenantId::from_uuid(Uuid::from_u128(dice.u128(1..=tenants)));
        let priority = dice.i16(0..=2);
        let accept = Happening::Accept(Request {
            id,
            kind,
            subject: tenant.into(),
            parent: None,
            priority,
            delay: Duration::ZERO,
            deadline,
        });
        self.at(at, accept.clone());
        if dice.u32(..20) == 0 {
            // Perhaps the answer to the first acceptance was lost.
            self.at(at + dice.u64(0..5_000), accept);
        }
        if dice.u32(..4) == 0 {
            // Most operations take well below a second, and some minutes.
            let longest = if dice.bool() { 200 } else { 60_000 };
            self.at(at + dice.u64(0..longest), Happening::Cancel(id));
        }
        if dice.u32(..4) == 0 {
            let (ordinal, part) = (dice.usize(..sagas::steps(kind)), dice.usize(..PARTS));
            self.at(at, Happening::Hold(id, Window { ordinal, part, looks: dice.u32(1..=MOST_LOOKS) }));
        }
        if rough && dice.u32(..12) == 0 {
            self.at(at, Happening::Break(id, broken(dice, kind)));
        }
    }

    pub fn at(&mut self, millis: u64, happening: Happening) {
        let number = self.happenings.len() as u32;
        self.happenings.insert((Duration::from_millis(millis), number), happening);
    }
}

/// A step of an operation of this kind that is broken.
pub fn broken(dice: &mut fastrand::Rng, kind: &OperationKind) -> Broken {
    let kinds = [Kind::Invalid, Kind::Upstream, Kind::Timeout, Kind::Internal].map(Some);
    // Some have no kind, because nobody is left to say it.
    let kind_of_error = kinds.get(dice.usize(..kinds.len() + 3)).copied().flatten();
    Broken { ordinal: dice.usize(..sagas::steps(kind)), doing: dice.bool(), kind: kind_of_error }
}
