//! Whether the edge follows what it is offered. An empty or foreign source of truth must not take everybody off the edge.

use std::{collections::HashSet, fmt};

use common::id::RecordId;
use serde::{Deserialize, Serialize};

use crate::{Host, Route, Snapshot};

/// Of what is served, so much may go at once: a fifth.
const LARGEST_LOSS: usize = 5;

/// So few may always go: a handful of tenants is removed in one go by people, not by accidents.
const A_FEW: usize = 5;

/// Why an offered snapshot is not followed. A person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// It is of another record than what is served.
    Stranger { served: RecordId, offered: RecordId },
    /// Too many of the hosts that are served are not in it, and nobody says that their tenants left.
    Shrunk { lost: usize, of: usize },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger { served, offered } => {
                write!(f, "the routes of record {offered}, in place of those of {served}")
            }
            Self::Shrunk { lost, of } => write!(f, "{lost} of {of} hosts are gone"),
        }
    }
}

/// Says why `offered` must not take the place of `served`, if that is so.
pub fn refusal(served: &Snapshot, offered: &Snapshot) -> Option<Refusal> {
    if served.record != offered.record {
        return Some(Refusal::Stranger { served: served.record, offered: offered.record });
    }
    let kept: HashSet<&Host> = offered.routes.iter().map(|route| &route.host).collect();
    let left: HashSet<_> = offered.left.iter().collect();
    let is_lost = |route: &&Route| !kept.contains(&route.host) && !left.contains(&route.tenant);
    let lost = served.routes.iter().filter(is_lost).count();
    let of = served.routes.len();
    (lost > A_FEW && lost * LARGEST_LOSS > of).then_some(Refusal::Shrunk { lost, of })
}

#[cfg(test)]
mod tests {
    use common::{id::TenantId, tenant::Purpose};
    use uuid::Uuid;

    use super::*;

    fn snapshot(record: u128, hosts: std::ops::Range<usize>) -> Snapshot {
        let route = |number| Route {
            host: format!("t{number}.localhost").parse().unwrap(),
            tenant: TenantId::generate(),
            purpose: Purpose::Customer,
            targets: Vec::new(),
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: 1,
        };
        let record = RecordId::from_uuid(Uuid::from_u128(record));
        Snapshot { record, routes: hosts.map(route).collect(), left: Vec::new() }
    }

    #[test]
    fn whoever_is_said_to_have_left_is_not_lost() {
        let served = snapshot(1, 0..40);
        let left =
            |range: std::ops::Range<usize>| served.routes[range].iter().map(|route| route.tenant).collect();
        let offered = |range| Snapshot { left: left(range), ..snapshot(1, 0..0) };
        assert_eq!(refusal(&served, &offered(0..40)), None);
        assert_eq!(refusal(&served, &offered(0..35)), None);
        assert_eq!(refusal(&served, &offered(0..31)), Some(Refusal::Shrunk { lost: 9, of: 40 }));
    }

    #[test]
    fn another_record_is_refused_even_with_the_same_hosts() {
        let [ours, theirs] = [1, 2].map(|record| RecordId::from_uuid(Uuid::from_u128(record)));
        let expected = Some(Refusal::Stranger { served: ours, offered: theirs });
        for hosts in [0..0, 0..3, 0..100] {
            assert_eq!(refusal(&snapshot(1, 0..3), &snapshot(2, hosts)), expected);
        }
    }

    #[test]
    fn no_more_than_a_few_or_a_fifth_go_at_once() {
        // Hosts served, hosts offered, whether it is too much.
        let cases = [
            (0..0, 0..0, None),
            (0..0, 0..50, None),
            (0..5, 0..0, None),
            (0..6, 0..0, Some((6, 6))),
            (0..6, 0..1, None),
            (0..100, 0..80, None),
            (0..100, 0..79, Some((21, 100))),
            // What came in the same moment makes up for nothing.
            (0..30, 10..60, Some((10, 30))),
            (0..30, 6..60, None),
        ];
        for (served, offered, expected) in cases {
            let name = format!("{served:?} {offered:?}");
            let expected = expected.map(|(lost, of)| Refusal::Shrunk { lost, of });
            assert_eq!(refusal(&snapshot(1, served), &snapshot(1, offered)), expected, "{name}");
        }
    }
}
