//! The sides of a tenant as callers see them.

use std::collections::BTreeMap;

use common::tenant::Color;
use edge::calls::Answers;
use serde::Serialize;
use utoipa::ToSchema;
use wire::sides::Sides;

use super::health::{HealthStatus, status_of};
use crate::{
    store::{sides::Counted, tenants::Instance},
    vocabulary,
};

/// Both sides, or the one that there is.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct SidesView {
    /// The side that serves: the one with the editor, schedules and other triggers.
    #[schema(value_type = vocabulary::Color)]
    active: Color,
    /// The side that serves, and then the other one, if there is one.
    sides: Vec<SideView>,
}

/// One side of a tenant.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct SideView {
    #[schema(value_type = vocabulary::Color)]
    color: Color,
    n8n_version: String,
    /// Whether it serves.
    serves: bool,
    /// Whether it served before the other one.
    served_before: bool,
    /// How many of a hundred calls to webhooks it answers.
    weight: u8,
    health: HealthStatus,
    /// How many workers it has.
    workers: usize,
    /// How many calls it answered within the last five minutes.
    calls: Option<u64>,
    /// Which part of them was answered by 500 or above: 0 to 1.
    error_rate: Option<f64>,
    /// Within how many milliseconds 95 of a hundred were answered, between the bounds that the edge counts by.
    p95_ms: Option<f64>,
    /// Why calls, error rate and p95 are null, where they are.
    #[schema(value_type = Option<String>)]
    missing: Option<&'static str>,
}

impl SidesView {
    /// From what was seen of them.
    pub fn of(sides: &Sides, instances: &[Instance], counted: &[Counted]) -> Self {
        let both = sides.second_weight() > 0;
        let view = |color: Color, weight: u8, served_before: bool| {
            let own: Vec<_> = instances.iter().filter(|instance| instance.color == color.as_str()).collect();
            let answers = lately(counted, color, both);
            let missing = match &answers {
                Some(answers) if answers.calls > 0 => None,
                Some(_) => Some("It was not called within the last five minutes."),
                None if sides.second.is_none() => Some("Calls are counted by side while there are two."),
                None => Some(
                    "The edge was not read twice within the last five minutes, or this side was not called.",
                ),
            };
            let answers = answers.filter(|answers| answers.calls > 0);
            SideView {
                color,
                n8n_version: sides.version_of(color).map(|version| version.to_string()).unwrap_or_default(),
                serves: color == sides.color,
                served_before,
                weight,
                health: status_of(false, own.iter().copied()),
                workers: own.iter().filter(|instance| instance.role == "worker").count(),
                calls: answers.as_ref().map(|answers| answers.calls),
                error_rate: answers.as_ref().and_then(Answers::error_rate),
                p95_ms: answers.as_ref().and_then(Answers::p95_ms),
                missing,
            }
        };
        let first = view(sides.color, 100 - sides.second_weight().min(100), false);
        let second = sides.second.map(|second| view(sides.other(), second.weight, second.is_former));
        Self { active: sides.color, sides: std::iter::once(first).chain(second).collect() }
    }
}

/// What a side answered between the first reading and the last one, on all hosts together: calls to webhooks and forms, where these are counted
/// by themselves, or all.
fn lately(counted: &[Counted], color: Color, webhooks: bool) -> Option<Answers> {
    let own = counted.iter().filter(|counted| counted.color == color && (counted.webhooks || !webhooks));
    let mut by_service = BTreeMap::<_, Vec<&Counted>>::new();
    for counted in own {
        by_service.entry((&counted.host, counted.webhooks)).or_default().push(counted);
    }
    by_service
        .into_values()
        .filter_map(|readings| {
            let last = readings.last()?;
            // An edge that began anew counts from zero.
            let first = readings.iter().find(|reading| reading.started_at == last.started_at)?;
            if first.read_at == last.read_at {
                return None;
            }
            last.answers.since(&first.answers)
        })
        .reduce(|all, some| all.and(&some))
}

#[cfg(test)]
mod tests {
    use common::version::Version;
    use time::{Duration, macros::datetime};
    use wire::sides::Second;

    use super::*;

    fn counted(color: Color, seconds: i64, calls: u64, failed: u64) -> Counted {
        let began = datetime!(2026-11-30 08:00 UTC);
        Counted {
            host: "acme.localhost".to_owned(),
            color,
            webhooks: true,
            read_at: began + Duration::seconds(seconds),
            started_at: began,
            answers: Answers { calls, failed, within: vec![(0.1, calls), (1.0, calls)] },
        }
    }

    fn sides(weight: u8) -> Sides {
        let second = Second { version: Version::new(2, 41, 1), weight, is_former: false };
        Sides { color: Color::Blue, version: Version::new(2, 40, 7), second: Some(second) }
    }

    #[test]
    fn what_each_side_answered_is_what_came_since_the_first_reading() {
        let counted = [
            counted(Color::Blue, 0, 100, 0),
            counted(Color::Green, 0, 0, 0),
            counted(Color::Blue, 60, 190, 0),
            counted(Color::Green, 60, 10, 2),
        ];
        let told = SidesView::of(&sides(10), &[], &counted).sides;
        let figures = |side: &SideView| (side.weight, side.calls, side.error_rate, side.missing);
        assert_eq!(figures(&told[0]), (90, Some(90), Some(0.0), None));
        assert_eq!(figures(&told[1]), (10, Some(10), Some(0.2), None));
        assert_eq!(told[1].p95_ms.map(f64::round), Some(95.0));
        assert_eq!(told.iter().map(|side| side.serves).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_cannot_be_told_is_null_and_says_why() {
        let once = [counted(Color::Blue, 0, 100, 0)];
        let idle = [counted(Color::Green, 0, 7, 0), counted(Color::Green, 15, 7, 0)];
        for counted in [&[][..], &once, &idle] {
            for side in SidesView::of(&sides(10), &[], counted).sides {
                assert_eq!((side.calls, side.error_rate, side.p95_ms), (None, None, None));
                assert!(side.missing.is_some() && side.health == HealthStatus::Unknown);
            }
        }
        let one = Sides { second: None, ..sides(0) };
        let told = SidesView::of(&one, &[], &[]).sides;
        assert_eq!((told.len(), told[0].weight), (1, 100));
        assert_eq!(told[0].missing, Some("Calls are counted by side while there are two."));
    }
}
