//! Why no cluster takes a tenant.

use super::in_the_way::told;
use crate::{
    problem::{Code, Pointer, Problem},
    store::room::{Room, SharedN8n, Wanted},
};

/// Says what is missing where most of it is there, of the clusters where the tenant could be. `None`: nothing is, by now.
pub fn obstacle(plan: &str, wanted: &Wanted, rooms: &[Room]) -> Option<Problem> {
    let large = |room: &&Room| {
        let too_small = |has: Option<i32>, wants: i32| has.is_some_and(|has| has < wants);
        !too_small(room.cpu_millis, wanted.cpu_millis) && !too_small(room.memory_mb, wanted.memory_mb)
    };
    let able: Vec<&Room> = rooms.iter().filter(large).collect();
    if able.is_empty() {
        return largest(rooms).map(|largest| too_large(plan, wanted, largest));
    }
    let connected = |room: &&&Room| room.connections.is_none_or(|left| left >= i64::from(wanted.connections));
    let connected: Vec<&Room> = able.iter().filter(connected).copied().collect();
    if connected.is_empty() {
        let left = able.iter().filter_map(|room| room.connections).max().unwrap_or_default().max(0);
        let wants = wanted.connections;
        let detail = format!(
            "The plan `{plan}` takes {wants} connections to the tenants' database server, and no cluster has more than \
             {left} left. Ask for a smaller plan, or again when somebody has left."
        );
        return Some(Problem::new(Code::NoRoom).detail(detail));
    }
    if connected.iter().all(|room| room.subnets.is_some_and(|left| left < 1)) {
        let detail = "Every subnet that the clusters have for tenants is in use. Ask again when somebody has left, or for `shared`.";
        return Some(Problem::new(Code::NoRoom).detail(detail));
    }
    None
}

/// Says why none of the n8ns that tenants share takes another one. `None`: one does, by now.
pub fn no_place(shared: &[SharedN8n]) -> Option<Problem> {
    let suitable: Vec<_> = shared.iter().filter(|n8n| n8n.suits).collect();
    let ready: Vec<_> = suitable.iter().filter(|n8n| n8n.ready).collect();
    let obstacles: Vec<_> =
        suitable.iter().filter_map(|n8n| n8n.obstacles.clone()).flat_map(|told| told.0).collect();
    let detail = if suitable.is_empty() {
        "No n8n that tenants share is in this region and complies with all of this. Ask for `dedicated`, or for less."
            .to_owned()
    } else if ready.is_empty() && !obstacles.is_empty() {
        format!(
            "The n8n that tenants share is not the platform's, and takes nobody as it is. {} Ask for `dedicated` meanwhile.",
            told(&obstacles)
        )
    } else if ready.is_empty() {
        "The n8n that tenants share does not take new tenants at the moment: it, or its cluster, is being made or drained. \
         Try again later, or ask for `dedicated`."
            .to_owned()
    } else if ready.iter().all(|n8n| n8n.tenants >= i64::from(n8n.capacity)) {
        let (tenants, capacity): (i64, i64) =
            ready.iter().fold((0, 0), |sum, n8n| (sum.0 + n8n.tenants, sum.1 + i64::from(n8n.capacity)));
        format!(
            "The n8ns that tenants share are full: {tenants} of {capacity}. Ask for `dedicated`; an administrator can add one \
             (`rp9 shared create`)."
        )
    } else {
        return None;
    };
    Some(Problem::new(Code::NoSharedN8n).detail(detail).at(Pointer::to("mode")))
}

fn largest(rooms: &[Room]) -> Option<&Room> {
    rooms.iter().max_by_key(|room| (room.cpu_millis, room.memory_mb))
}

fn too_large(plan: &str, wanted: &Wanted, largest: &Room) -> Problem {
    let cores = |millis: i32| f64::from(millis) / 1000.0;
    let detail = format!(
        "Each container of the plan `{plan}` takes {} cores and {} MB of memory; the largest cluster has {} and {} MB. Ask for \
         a smaller plan (`GET /plans`).",
        cores(wanted.cpu_millis),
        wanted.memory_mb,
        cores(largest.cpu_millis.unwrap_or_default()),
        largest.memory_mb.unwrap_or_default(),
    );
    Problem::new(Code::PlanTooLarge).detail(detail).at(Pointer::to("plan"))
}

#[cfg(test)]
mod tests {
    use sqlx::types::Json;

    use super::*;
    use crate::store::external::Obstacle;

    const PRO: Wanted = Wanted { cpu_millis: 2000, memory_mb: 2048, connections: 18 };

    fn room(cpu_millis: i32, memory_mb: i32, connections: i64, subnets: i64) -> Room {
        Room {
            cpu_millis: Some(cpu_millis),
            memory_mb: Some(memory_mb),
            connections: Some(connections),
            subnets: Some(subnets),
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_figures() {
        type Told = Option<(Code, &'static str)>;
        let unknown = Room { cpu_millis: None, memory_mb: None, connections: None, subnets: None };
        let cases: [(&[Room], Told); 8] = [
            (&[], None),
            (&[unknown], None),
            (&[room(2000, 2048, 18, 1)], None),
            (
                &[room(1000, 9000, 99, 9), room(1500, 512, 99, 9)],
                Some((Code::PlanTooLarge, "1.5 and 512 MB")),
            ),
            (&[room(2000, 2047, 99, 9)], Some((Code::PlanTooLarge, "2 cores and 2048 MB"))),
            (&[room(4000, 4096, 17, 9), room(1000, 1024, 99, 9)], Some((Code::NoRoom, "more than 17"))),
            (&[room(4000, 4096, -5, 9)], Some((Code::NoRoom, "more than 0"))),
            (&[room(4000, 4096, 99, 0), room(4000, 4096, 3, 9)], Some((Code::NoRoom, "subnet"))),
        ];
        for (rooms, expected) in cases {
            let told = obstacle("pro", &PRO, rooms).map(|problem| (problem.code(), problem.to_string()));
            assert_eq!(told.as_ref().map(|(code, _)| *code), expected.map(|(code, _)| code), "{rooms:?}");
            if let (Some((_, text)), Some((_, words))) = (told, expected) {
                assert!(text.contains(words), "{text}");
            }
        }
    }

    #[test]
    fn why_no_shared_n8n_takes_another_is_said() {
        let n8n = |tenants, suits, ready| SharedN8n { tenants, capacity: 2, suits, ready, obstacles: None };
        let lacking = |detail: &str| {
            let obstacle = Obstacle { code: "no_database".into(), detail: detail.into(), passes: false };
            SharedN8n { obstacles: Some(Json(vec![obstacle])), ..n8n(0, true, false) }
        };
        let said = |shared: &[SharedN8n]| no_place(shared).map(|problem| problem.to_string());
        for (shared, expected) in [
            (&[n8n(0, false, true)][..], Some("region")),
            (&[n8n(0, true, false), n8n(0, false, true)], Some("being made")),
            (&[n8n(2, true, true), n8n(3, true, true), n8n(0, true, false)], Some("5 of 4")),
            (&[lacking("No database."), n8n(0, true, false)], Some("No database.")),
            (&[lacking("No database."), n8n(2, true, true)], Some("2 of 2")),
            (&[n8n(2, true, true), n8n(1, true, true)], None),
        ] {
            let said = said(shared);
            assert_eq!(said.is_some(), expected.is_some(), "{said:?}");
            assert!(said.is_none_or(|said| said.contains(expected.unwrap())), "{expected:?}");
        }
    }
}
