//! The sides of all tenants, each with its health.

use std::collections::HashMap;

use common::tenant::Color;

use super::{Health, Sighting};
use crate::{Host, Mark, Route, TargetUrl};

/// One side of a host. With other addresses it is another side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Side {
    pub host: Host,
    pub color: Color,
    targets: Vec<TargetUrl>,
}

impl Side {
    /// The side of this colour.
    pub fn of(route: &Route, color: Color) -> Self {
        let targets = route.targets.iter().filter(|target| target.color == color && target.is_called());
        Self { host: route.host.clone(), color, targets: targets.map(|target| target.url.clone()).collect() }
    }

    /// Every side of the route that gets calls.
    fn all(route: &Route) -> impl Iterator<Item = Self> {
        let colors = [Color::Blue, Color::Green];
        colors.into_iter().map(|color| Self::of(route, color)).filter(|side| !side.targets.is_empty())
    }
}

/// What is known of every side.
#[derive(Debug, Clone, Default)]
pub struct Sides(HashMap<Side, Known>);

#[derive(Debug, Clone, Copy)]
struct Known {
    mark: Mark,
    health: Health,
}

impl Sides {
    /// Knows the sides of these routes from now on and no others. New ones begin with this health.
    pub fn follow(&mut self, routes: &[Route], newcomers: Health) {
        let mut former = std::mem::take(&mut self.0);
        // Where something stands in, the sides are not expected to be there.
        let served = routes.iter().filter(|route| route.stand_in.is_none());
        let marked = served.filter_map(|route| route.mark().map(|mark| (route, mark)));
        for (route, mark) in marked {
            for side in Side::all(route) {
                let health = former.remove(&side).map_or(newcomers, |known| known.health);
                self.0.insert(side, Known { mark, health });
            }
        }
    }

    /// Whether this side of the route gets calls.
    pub fn is_ready(&self, route: &Route, color: Color) -> bool {
        self.0.get(&Side::of(route, color)).is_some_and(|known| known.health.is_ready())
    }

    /// Each side with the mark of its route, and whether there are doubts about it.
    pub fn all(&self) -> impl Iterator<Item = (&Side, Mark, bool)> {
        self.0.iter().map(|(side, known)| (side, known.mark, known.health.is_in_doubt()))
    }

    /// Notes what was seen, and says whether the side gets calls now, if that has changed by it.
    pub fn note(&mut self, side: &Side, sighting: Sighting) -> Option<bool> {
        let known = self.0.get_mut(side)?;
        let before = known.health.is_ready();
        known.health = known.health.after(sighting);
        Some(known.health.is_ready()).filter(|ready| *ready != before)
    }

    /// How many get no calls.
    pub fn waiting(&self) -> usize {
        self.0.values().filter(|known| !known.health.is_ready()).count()
    }
}

#[cfg(test)]
mod tests {
    use common::{id::TenantId, tenant::Purpose};

    use super::*;
    use crate::{StandIn, Target};

    fn route(targets: &[(Color, &str, u16)]) -> Route {
        let target = |(color, url, weight): &(Color, &str, u16)| Target {
            color: *color,
            url: url.parse().unwrap(),
            weight: *weight,
            webhook_weight: None,
        };
        Route {
            host: "acme.localhost".parse().unwrap(),
            tenant: TenantId::generate(),
            purpose: Purpose::Customer,
            targets: targets.iter().map(target).collect(),
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: 1,
        }
    }

    const BLUE: (Color, &str, u16) = (Color::Blue, "http://10.0.0.2:5678", 1);
    const GREEN: (Color, &str, u16) = (Color::Green, "http://10.0.0.3:5678", 1);

    #[test]
    fn a_side_keeps_its_health_for_as_long_as_it_has_its_addresses() {
        let mut sides = Sides::default();
        let blue = route(&[BLUE]);
        sides.follow(std::slice::from_ref(&blue), Health::UNKNOWN);
        assert!(!sides.is_ready(&blue, Color::Blue));
        assert_eq!(sides.note(&Side::of(&blue, Color::Blue), Sighting::Ready), Some(true));
        let both = Route { generation: 2, ..route(&[BLUE, GREEN]) };
        sides.follow(std::slice::from_ref(&both), Health::UNKNOWN);
        assert!(sides.is_ready(&both, Color::Blue) && !sides.is_ready(&both, Color::Green));
        assert_eq!(sides.waiting(), 1);
        let moved = route(&[(Color::Blue, "http://10.0.0.9:5678", 1)]);
        sides.follow(std::slice::from_ref(&moved), Health::PUBLISHED);
        assert!(sides.is_ready(&moved, Color::Blue));
        assert_eq!(sides.note(&Side::of(&moved, Color::Blue), Sighting::NotReady), None);
        assert_eq!(sides.note(&Side::of(&moved, Color::Blue), Sighting::NotReady), Some(false));
        assert_eq!(sides.note(&Side::of(&blue, Color::Blue), Sighting::Ready), None, "it is forgotten");
    }

    #[test]
    fn a_side_without_weight_is_none() {
        let mut sides = Sides::default();
        let mut both = route(&[BLUE, (Color::Green, GREEN.1, 0)]);
        sides.follow(std::slice::from_ref(&both), Health::PUBLISHED);
        assert_eq!(sides.all().count(), 1);
        both.targets[1].webhook_weight = Some(1);
        sides.follow(std::slice::from_ref(&both), Health::PUBLISHED);
        assert_eq!(sides.all().count(), 2, "one that answers webhooks only is looked at too");
    }

    #[test]
    fn what_is_stood_in_for_is_not_looked_at_and_begins_anew_afterwards() {
        let (mut sides, blue) = (Sides::default(), route(&[BLUE]));
        sides.follow(std::slice::from_ref(&blue), Health::UNKNOWN);
        let suspended = Route { stand_in: Some(StandIn::Suspended), generation: 2, ..blue.clone() };
        sides.follow(&[suspended], Health::PUBLISHED);
        assert_eq!((sides.all().count(), sides.waiting()), (0, 0));
        let resumed = Route { generation: 3, ..blue };
        sides.follow(std::slice::from_ref(&resumed), Health::PUBLISHED);
        assert!(sides.is_ready(&resumed, Color::Blue));
    }

    #[test]
    fn whoever_shares_an_n8n_has_no_side_to_be_looked_at() {
        let workspace = serde_json::json!({ "instance": TenantId::generate(), "prefix": "aB3dE6gH9jK2mN5p",
            "user": "0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f", "address": "https://acme.localhost", "calls_per_hour": 1000 });
        let part = Route { workspace: serde_json::from_value(workspace).unwrap(), ..route(&[]) };
        let mut sides = Sides::default();
        sides.follow(&[part, route(&[BLUE])], Health::UNKNOWN);
        assert_eq!((sides.all().count(), sides.waiting()), (1, 1));
    }
}
