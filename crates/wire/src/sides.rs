//! The sides of a tenant, and what can become of them: known to those who are asked for it and to those who do it.

use common::{tenant::Color, version::Version};
use serde::{Deserialize, Serialize};

use crate::{N8N_VERSIONS, kinds::TenantBlueGreen};

/// Both sides of a tenant, or its one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// The one that serves.
    pub color: Color,
    /// What that one runs.
    pub version: Version,
    /// What stands beside it, in the other color.
    pub second: Option<Second>,
}

/// The side beside the one that serves. It has no main: no trigger fires in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// What it runs.
    pub version: Version,
    /// How many of a hundred calls to webhooks it answers.
    pub weight: u8,
    /// Whether it served before the one that serves now.
    pub is_former: bool,
}

impl Sides {
    /// The color of the second one, whether or not there is one.
    pub const fn other(&self) -> Color {
        match self.color {
            Color::Blue => Color::Green,
            Color::Green => Color::Blue,
        }
    }

    /// What the side of this color runs. `None`: there is none.
    pub fn version_of(&self, color: Color) -> Option<Version> {
        if color == self.color { Some(self.version) } else { self.second.map(|second| second.version) }
    }

    /// How many of a hundred calls to webhooks the second one answers.
    pub fn second_weight(&self) -> u8 {
        self.second.map_or(0, |second| second.weight)
    }

    /// The same where the second one answers so many.
    #[must_use]
    pub fn with_weight(self, weight: u8) -> Self {
        Self { second: self.second.map(|second| Second { weight, ..second }), ..self }
    }

    /// The same with a second one that runs this release and gets no calls yet.
    #[must_use]
    pub fn beside(self, version: Version) -> Self {
        Self { second: Some(Second { version, weight: 0, is_former: false }), ..self }
    }

    /// The same after the second one has become the one that serves. `None`: there is no second one.
    pub fn turned(self) -> Option<Self> {
        let Second { version, is_former, .. } = self.second?;
        let second = Second { version: self.version, weight: 0, is_former: !is_former };
        Some(Self { color: self.other(), version, second: Some(second) })
    }

    /// What leads back to how it was before there were two: the side that served serves again, or gets all calls again. `None`: it does.
    pub fn way_back(&self) -> Option<TenantBlueGreen> {
        match self.second? {
            Second { is_former: true, .. } => Some(TenantBlueGreen::Swap { to: self.other() }),
            Second { weight: 1.., .. } => Some(TenantBlueGreen::SetWeight { color: self.other(), weight: 0 }),
            Second { .. } => None,
        }
    }

    /// Why what changes the whole of a tenant cannot be done to one with two: it would not be said what becomes of each.
    pub fn one_too_many(&self) -> Option<String> {
        let (serves, other) = (self.color, self.other());
        self.second.is_some().then(|| {
            format!("The tenant has two sides, of which {serves} serves: remove {other} first, or let it serve and remove {serves}.")
        })
    }

    /// Whether they are as is asked for.
    pub fn are_so(&self, request: &TenantBlueGreen) -> bool {
        match request {
            TenantBlueGreen::Create { color, n8n_version, .. } => {
                *color == self.other()
                    && self
                        .second
                        .is_some_and(|second| n8n_version.is_none_or(|wanted| wanted == second.version))
            }
            TenantBlueGreen::SetWeight { color, weight } => {
                self.second.is_some_and(|second| second.weight == self.weight_of_second(*color, *weight))
            }
            TenantBlueGreen::Swap { to } => *to == self.color && self.second.is_some(),
            TenantBlueGreen::Cleanup { color } => *color == self.other() && self.second.is_none(),
        }
    }

    /// How many of a hundred calls are left to the second one where this one answers so many.
    pub fn weight_of_second(&self, color: Color, weight: u8) -> u8 {
        if color == self.color { 100_u8.saturating_sub(weight) } else { weight }
    }

    /// Why they cannot become what is asked for.
    pub fn obstacle(&self, request: &TenantBlueGreen) -> Option<String> {
        let (serves, other) = (self.color, self.other());
        let alone = || {
            self.second
                .is_none()
                .then(|| format!("The tenant has no {other} side: {serves} is all there is."))
        };
        match request {
            TenantBlueGreen::Create { color, n8n_version, .. } => {
                self.obstacle_to_second(*color, *n8n_version)
            }
            TenantBlueGreen::SetWeight { weight: 101.., .. } => {
                Some("A side answers a hundred of a hundred calls at most.".to_owned())
            }
            TenantBlueGreen::SetWeight { .. } => alone(),
            TenantBlueGreen::Swap { to } if *to == serves => {
                Some(format!("{serves} is the side that serves."))
            }
            TenantBlueGreen::Swap { .. } => alone(),
            TenantBlueGreen::Cleanup { color } if *color == serves => {
                Some(format!("{serves} is the side that serves: it is not removed."))
            }
            TenantBlueGreen::Cleanup { .. } => alone().or_else(|| {
                let weight = Some(self.second_weight()).filter(|weight| *weight > 0)?;
                Some(format!("{other} answers {weight} of a hundred calls: set its weight to 0 first."))
            }),
        }
    }

    fn obstacle_to_second(&self, color: Color, wanted: Option<Version>) -> Option<String> {
        let (serves, other, runs) = (self.color, self.other(), self.version);
        let wanted = wanted.unwrap_or(runs);
        if color == serves {
            Some(format!("{serves} is the side that serves: make {other} beside it."))
        } else if let Some(second) = self.second {
            Some(format!("The tenant has a {other} side already, which runs n8n {}.", second.version))
        } else if wanted < runs {
            Some(format!(
                "The tenant runs n8n {runs}, and n8n does not go back to {wanted}: it would not know the tables."
            ))
        } else if wanted > runs && !N8N_VERSIONS.contains(&wanted) {
            Some(format!("n8n {wanted} is none of the releases that tenants may run."))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Version = Version::new(2, 40, 7);
    const NEW: Version = Version::new(2, 41, 1);

    fn sides(version: Version, weight: Option<u8>) -> Sides {
        let second = weight.map(|weight| Second { version: NEW, weight, is_former: false });
        Sides { color: Color::Blue, version, second }
    }

    fn create(color: Color, n8n_version: Option<Version>) -> TenantBlueGreen {
        TenantBlueGreen::Create { color, n8n_version, pre_backup: true }
    }

    #[test]
    fn after_two_turns_everything_is_where_it_was() {
        let both = sides(OLD, Some(30));
        let turned = both.turned().unwrap();
        assert_eq!((turned.color, turned.version, turned.other()), (Color::Green, NEW, Color::Blue));
        assert_eq!(turned.second, Some(Second { version: OLD, weight: 0, is_former: true }));
        assert_eq!(turned.turned(), Some(both.with_weight(0)));
        assert_eq!((both.version_of(Color::Blue), both.version_of(Color::Green)), (Some(OLD), Some(NEW)));
        assert_eq!(sides(OLD, None).turned(), None);
        assert!(both.one_too_many().unwrap().contains("remove green first"));
        assert_eq!(sides(OLD, None).one_too_many(), None);
    }

    #[test]
    fn a_second_side_runs_the_same_or_a_later_release_that_is_known() {
        for version in [None, Some(OLD), Some(NEW)] {
            assert_eq!(sides(OLD, None).obstacle(&create(Color::Green, version)), None, "{version:?}");
        }
        // A tenant may run one that is not in the list any more, and have another side like it.
        assert_eq!(sides(Version::new(2, 39, 0), None).obstacle(&create(Color::Green, None)), None);
        for (request, sides, words) in [
            (create(Color::Green, Some(OLD)), sides(NEW, None), "does not go back to 2.40.7"),
            (create(Color::Green, Some(Version::new(9, 0, 0))), sides(NEW, None), "none of the releases"),
            (create(Color::Blue, None), sides(OLD, None), "make green beside it"),
            (
                create(Color::Green, Some(NEW)),
                sides(OLD, Some(0)),
                "a green side already, which runs n8n 2.41.1",
            ),
        ] {
            let refused = sides.obstacle(&request).unwrap();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(sides(OLD, Some(9)).are_so(&create(Color::Green, Some(NEW))));
        assert!(!sides(OLD, Some(9)).are_so(&create(Color::Green, Some(OLD))));
        assert!(!sides(OLD, None).are_so(&create(Color::Green, None)));
    }

    #[test]
    fn what_serves_or_answers_calls_is_not_removed() {
        let refused = |color, weight| sides(OLD, weight).obstacle(&TenantBlueGreen::Cleanup { color });
        assert_eq!(refused(Color::Green, Some(0)), None);
        assert!(refused(Color::Green, Some(1)).unwrap().contains("answers 1 of a hundred calls"));
        assert!(refused(Color::Blue, Some(0)).unwrap().contains("blue is the side that serves"));
        assert!(sides(OLD, None).are_so(&TenantBlueGreen::Cleanup { color: Color::Green }));
    }

    #[test]
    fn calls_are_shared_out_among_two_sides_and_not_among_one() {
        let weigh = |color, weight| TenantBlueGreen::SetWeight { color, weight };
        for color in [Color::Blue, Color::Green] {
            assert_eq!(sides(OLD, Some(0)).obstacle(&weigh(color, 100)), None, "{color}");
            assert!(sides(OLD, None).obstacle(&weigh(color, 0)).is_some(), "{color}");
            assert!(sides(OLD, Some(0)).obstacle(&weigh(color, 101)).is_some(), "{color}");
        }
        assert!(sides(OLD, Some(30)).are_so(&weigh(Color::Green, 30)));
        assert!(sides(OLD, Some(30)).are_so(&weigh(Color::Blue, 70)));
        assert!(!sides(OLD, None).are_so(&weigh(Color::Green, 0)), "there is none to answer any");
        let swap = |to| TenantBlueGreen::Swap { to };
        assert_eq!(sides(OLD, Some(50)).obstacle(&swap(Color::Green)), None);
        assert!(sides(OLD, Some(50)).obstacle(&swap(Color::Blue)).is_some());
        assert!(sides(OLD, None).obstacle(&swap(Color::Green)).is_some());
    }

    #[test]
    fn the_way_back_leads_to_the_side_that_served_before() {
        assert_eq!(sides(OLD, None).way_back(), None);
        assert_eq!(sides(OLD, Some(0)).way_back(), None);
        let none = TenantBlueGreen::SetWeight { color: Color::Green, weight: 0 };
        assert_eq!(sides(OLD, Some(40)).way_back(), Some(none));
        let turned = sides(OLD, Some(100)).turned().unwrap();
        assert_eq!(turned.way_back(), Some(TenantBlueGreen::Swap { to: Color::Blue }));
        assert_eq!(turned.with_weight(50).way_back(), Some(TenantBlueGreen::Swap { to: Color::Blue }));
        assert_eq!(turned.turned().unwrap().way_back(), None);
    }
}
