//! What each side of a tenant answered, and how soon. Pure.

use common::tenant::Color;
use serde::{Deserialize, Serialize};

use crate::{Host, document::OF_WEBHOOKS};

/// A service of the proxy's: one side of a host, for calls to its webhooks and forms, or for all the rest, which is everything as long as it does not
/// share those out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SideService {
    pub host: Host,
    pub color: Color,
    pub webhooks: bool,
}

/// What was answered since some beginning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// All of them.
    pub calls: u64,
    /// Those that said that something went wrong at the server: 500 and above.
    pub failed: u64,
    /// How many took no longer than so many seconds, for each bound that the proxy counts by.
    pub within: Vec<(f64, u64)>,
}

impl SideService {
    /// The one with this name. `None`: it is no side's.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.strip_suffix("@http")?;
        let webhooks = name.ends_with(OF_WEBHOOKS);
        let name = name.strip_suffix(OF_WEBHOOKS).unwrap_or(name);
        let (host, color) = name.rsplit_once('_')?;
        Some(Self { host: host.parse().ok()?, color: color.parse().ok()?, webhooks })
    }
}

impl Answers {
    /// What was answered since it was like this. `None`: the proxy has begun to count anew.
    pub fn since(&self, before: &Self) -> Option<Self> {
        let within = self.within.iter().map(|(bound, count)| {
            let former = before.within.iter().find(|(former, _)| former == bound);
            Some((*bound, count.checked_sub(former.map_or(0, |(_, count)| *count))?))
        });
        Some(Self {
            calls: self.calls.checked_sub(before.calls)?,
            failed: self.failed.checked_sub(before.failed)?,
            within: within.collect::<Option<_>>()?,
        })
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.calls += other.calls;
        self.failed += other.failed;
        for (bound, count) in &other.within {
            match self.within.iter_mut().find(|(own, _)| own == bound) {
                Some((_, own)) => *own += count,
                None => self.within.push((*bound, *count)),
            }
        }
        self.within.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        self
    }

    /// Which part of them went wrong. `None`: there were none.
    pub fn error_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.failed as f64 / self.calls as f64)
    }

    /// Within how many milliseconds 95 of a hundred were answered, as far as the bounds tell: between two of them, evenly; beyond the last,
    /// that one. `None`: there were none.
    pub fn p95_ms(&self) -> Option<f64> {
        let rank = Some(self.calls as f64 * 0.95).filter(|rank| *rank > 0.0)?;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.within {
            let count = *count as f64;
            if count >= rank {
                return Some((lower + (bound - lower) * (rank - below) / (count - below)) * 1000.0);
            }
            (lower, below) = (*bound, count);
        }
        self.within.last().map(|(bound, _)| bound * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(calls: u64, failed: u64, within: &[(f64, u64)]) -> Answers {
        Answers { calls, failed, within: within.to_vec() }
    }

    #[test]
    fn a_side_is_told_by_the_name_of_its_service_and_nobody_else_is_taken_for_one() {
        let named = |name: &str| {
            let found = SideService::named(name);
            found.map(|side| (side.host.as_str().to_owned(), side.color, side.webhooks))
        };
        let host = || "flows.example.com".to_owned();
        assert_eq!(named("flows.example.com_blue@http"), Some((host(), Color::Blue, false)));
        assert_eq!(named("flows.example.com_green_webhooks@http"), Some((host(), Color::Green, true)));
        for name in [
            "flows.example.com@http",
            "flows.example.com_own_webhooks@http",
            "waiting_page@http",
            "acme_blue",
            "_blue@http",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[test]
    fn only_what_was_answered_since_counts_and_a_new_beginning_tells_nothing() {
        let before = answers(100, 3, &[(0.1, 90), (1.0, 100)]);
        let now = answers(120, 8, &[(0.1, 95), (1.0, 118)]);
        let since = now.since(&before).unwrap();
        assert_eq!(since, answers(20, 5, &[(0.1, 5), (1.0, 18)]));
        assert_eq!(since.error_rate(), Some(0.25));
        assert_eq!(before.since(&now), None);
        assert_eq!(now.since(&now).unwrap().error_rate(), None, "of none there is no part");
        assert_eq!(since.clone().and(&since), answers(40, 10, &[(0.1, 10), (1.0, 36)]));
    }

    #[test]
    fn most_are_answered_within_what_the_bounds_tell() {
        for (calls, within, expected) in [
            (0, &[(0.1, 0)][..], None),
            (100, &[(0.1, 100), (1.0, 100)], Some(95.0)),
            (100, &[(0.1, 90), (1.0, 100)], Some(550.0)),
            // Five of a hundred are slower than the last bound, and then more than that.
            (100, &[(0.1, 50), (1.0, 95)], Some(1000.0)),
            (100, &[(0.1, 50), (1.0, 60)], Some(1000.0)),
            (10, &[], None),
        ] {
            let p95 = answers(calls, 0, within).p95_ms();
            assert_eq!(p95.map(f64::round), expected, "{calls} {within:?}");
        }
    }
}
