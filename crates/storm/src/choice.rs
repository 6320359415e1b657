//! What is asked for next: drawn from the tenants that callers know of.

use std::str::FromStr;

use crate::{
    asked::{Asked, Plan, Wish},
    ledger::{Known, Ledger},
};

/// Which verbs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbs {
    /// All, also of tenants of which something else is open.
    On,
    /// Each when the one before has ended, as a caller does who watches.
    Apart,
    Off,
}

impl FromStr for Verbs {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "on" => Ok(Self::On),
            "apart" => Ok(Self::Apart),
            "off" => Ok(Self::Off),
            _ => Err("must be on, apart or off"),
        }
    }
}

/// How requests are mixed, in parts of a hundred. What is over is creations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    removals: u8,
    verbs: u8,
    rivals: u8,
    cancellations: u8,
}

impl Mix {
    /// With these verbs. Without any, for releases that know nothing but making and removing.
    pub const fn of(verbs: Verbs) -> Self {
        match verbs {
            Verbs::On => Self { removals: 14, verbs: 54, rivals: 8, cancellations: 8 },
            Verbs::Apart => Self { removals: 14, verbs: 54, rivals: 0, cancellations: 8 },
            Verbs::Off => Self { removals: 48, verbs: 0, rivals: 0, cancellations: 6 },
        }
    }

    /// What is asked for now.
    pub fn draw(self, ledger: &Ledger, random: &mut fastrand::Rng) -> Asked {
        let (drawn, pro) = (random.u8(..100), random.u8(..100) < 40);
        let asked = if drawn < self.removals {
            ledger.take_removable(random).map(Asked::Remove)
        } else if drawn < self.removals + self.verbs {
            ledger.known(random).map(|known| verb(known, random))
        } else {
            None
        };
        // Without verbs, the same requests as ever.
        let plan = if pro && self.verbs > 0 { Plan::Pro } else { Plan::Starter };
        asked.unwrap_or(Asked::Create(plan))
    }

    /// Whether two ask for this at once. Two creations under two keys are two tenants, and two removals are refused.
    pub fn has_rivals(self, asked: Asked, random: &mut fastrand::Rng) -> bool {
        let shared = !matches!(asked, Asked::Create(_) | Asked::Remove(_) | Asked::Cancel(_));
        shared && random.u8(..100) < self.rivals
    }

    /// Whether somebody calls something off beside it.
    pub fn cancels(self, random: &mut fastrand::Rng) -> bool {
        random.u8(..100) < self.cancellations
    }
}

/// Mostly what makes sense for it; sometimes what is refused, unless something else was quicker.
fn verb(Known { tenant, plan, rests }: Known, random: &mut fastrand::Rng) -> Asked {
    match (random.u8(..100), rests) {
        (0..60, true) | (0..4, false) => Asked::Resume(tenant),
        (60..70, true) | (4..30, false) => Asked::Suspend(tenant),
        (70..82, true) | (30..60, false) => Asked::Restart(tenant),
        _ => Asked::Scale(tenant, Wish::draw(plan, random)),
    }
}
