//! What is done to the sides of a tenant: how it is asked for.

use common::tenant::{Color, Mode};
use serde_json::{Value, json};
use wire::{kinds::TenantBlueGreen, sides::Sides};

use super::{Release, words::Reason};
use crate::{
    http::{
        fields::{Fault, Field, Text},
        request::request,
    },
    problem::{Answered, Code, FieldError, Pointer, Problem},
    store::tenants::Tenant,
};

request! {
    /// What is to become of the sides of a tenant.
    pub struct TurningAsked: Request {
        /// `create_blue` and `create_green` make a side beside the one that serves. `set_weight` gives one a share of the calls to webhooks. `swap` lets the
        /// other one serve. `rollback` goes back to the side that served before there were two. `cleanup_blue` and `cleanup_green` remove one.
        #[example = "create_green"]
        action: Action,
        /// Of a side that is made: no earlier than what the tenant runs, which it is when absent.
        #[example = "2.41.1"]
        n8n_version: Option<Release>,
        /// Of a side that is made: whether the tenant is backed up, and the release tried on that backup, before; true when absent.
        pre_backup: Option<bool>,
        /// Of a swap: the side that serves.
        #[example = "blue"]
        from: Option<Color>,
        /// Of a swap: the side that is to serve; of a weight: the side that gets it. The one that does not serve when absent.
        #[example = "green"]
        to: Option<Color>,
        /// How many of a hundred calls to webhooks that side answers: 0 to 100.
        #[example = 10]
        weight: Option<Weight>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "We try the new release on a few calls."]
        reason: Option<Reason>,
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create(Color),
    SetWeight,
    Swap,
    Rollback,
    Cleanup(Color),
}

/// A share of the calls.
#[derive(Debug, Clone, Copy)]
pub struct Weight(u8);

impl Action {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Create(Color::Blue), "create_blue"),
        (Self::Create(Color::Green), "create_green"),
        (Self::Swap, "swap"),
        (Self::SetWeight, "set_weight"),
        (Self::Rollback, "rollback"),
        (Self::Cleanup(Color::Blue), "cleanup_blue"),
        (Self::Cleanup(Color::Green), "cleanup_green"),
    ];

    fn words() -> [&'static str; Self::ALL.len()] {
        Self::ALL.map(|(_, word)| word)
    }
}

impl Text for Action {
    fn parse(text: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|(_, word)| *word == text);
        let words = || format!("must be one of: {}", Self::words().join(", "));
        found.map(|(action, _)| action).ok_or_else(|| Fault::new("unknown_action", words()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::words() })
    }
}

impl<R> Field<R> for Weight {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let weight = value.as_u64().and_then(|weight| u8::try_from(weight).ok());
        let weight = weight.filter(|weight| *weight <= 100);
        weight.map(Self).ok_or_else(|| Fault::new("out_of_range", "must be a whole number from 0 to 100"))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": 100 })
    }
}

impl TurningAsked {
    /// What the operation is asked, of a tenant with these sides. `None`: there is nothing to go back from.
    pub fn request(&self, sides: &Sides) -> Answered<Option<TenantBlueGreen>> {
        self.says_what_it_takes()?;
        let other = sides.other();
        Ok(Some(match self.action {
            Action::Create(color) => TenantBlueGreen::Create {
                color,
                n8n_version: self.n8n_version.map(Release::version),
                pre_backup: self.backs_up(),
            },
            Action::SetWeight => TenantBlueGreen::SetWeight {
                color: self.to.unwrap_or(other),
                weight: self.weight.map_or(0, |Weight(weight)| weight),
            },
            Action::Swap => {
                TenantBlueGreen::Swap { to: self.to.or_else(|| self.from.map(opposite)).unwrap_or(other) }
            }
            Action::Rollback => return Ok(sides.way_back()),
            Action::Cleanup(color) => TenantBlueGreen::Cleanup { color },
        }))
    }

    /// Whether a backup is made by it.
    pub fn backs_up(&self) -> bool {
        matches!(self.action, Action::Create(_)) && self.pre_backup.unwrap_or(true)
    }

    fn says_what_it_takes(&self) -> Answered<()> {
        let field = |name: &str, code, detail: &str| FieldError::new(Pointer::to(name), code, detail);
        let mut errors = Vec::new();
        if self.action == Action::SetWeight && self.weight.is_none() {
            errors.push(field("weight", "weight_required", "is required to set a weight"));
        }
        if self.action == Action::Swap && self.from.is_some() && self.from == self.to {
            errors.push(field("to", "the_same", "must be another side than the one that it is swapped with"));
        }
        // Whoever says more than what is done has asked for something else than they think.
        let creates = matches!(self.action, Action::Create(_));
        let weighs = self.action == Action::SetWeight;
        for (said, name, fits) in [
            (self.n8n_version.is_some(), "n8n_version", creates),
            (self.pre_backup.is_some(), "pre_backup", creates),
            (self.weight.is_some(), "weight", weighs),
            (self.from.is_some(), "from", self.action == Action::Swap),
            (self.to.is_some(), "to", weighs || self.action == Action::Swap),
        ] {
            if said && !fits {
                errors.push(field(name, "not_for_this", "says nothing of this action: leave it out"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
    }
}

const fn opposite(color: Color) -> Color {
    match color {
        Color::Blue => Color::Green,
        Color::Green => Color::Blue,
    }
}

/// Whether it is a tenant with an n8n of its own.
pub fn has_sides(tenant: &Tenant) -> Answered<()> {
    match tenant.mode.0 {
        Mode::Dedicated => Ok(()),
        Mode::Shared => Err(Problem::new(Code::SharedTenant).detail(
            "The tenant shares an n8n with others, which has one side: `POST /tenants/{id}/promote` gives it one of its own.",
        )),
    }
}

/// Whether it is one, and somebody's, who decides about it.
pub fn can_have_two(tenant: &Tenant) -> Answered<()> {
    has_sides(tenant)?;
    if !tenant.the_platforms_own {
        return Ok(());
    }
    Err(Problem::new(Code::Conflict).detail("It is no customer's tenant: it has one side."))
}

/// Why these sides cannot become what is asked for.
pub fn obstacle(sides: &Sides, request: &TenantBlueGreen) -> Answered<()> {
    sides.obstacle(request).map_or(Ok(()), |detail| Err(Problem::new(Code::Conflict).detail(detail)))
}

#[cfg(test)]
mod tests {
    use common::version::Version;
    use wire::sides::Second;

    use super::*;
    use crate::http::request::Request;

    const OLD: Version = Version::new(2, 40, 7);
    const NEW: Version = Version::new(2, 41, 1);

    fn two(is_former: bool) -> Sides {
        let second = Second { version: NEW, weight: 10, is_former };
        Sides { color: Color::Blue, version: OLD, second: Some(second) }
    }

    fn read(body: &Value, sides: &Sides) -> Result<Option<TenantBlueGreen>, String> {
        let asked = TurningAsked::of_body(body.to_string().as_bytes(), &());
        let request = asked.and_then(|asked| asked.request(sides));
        request.map_err(|problem| json!(problem.errors()).to_string())
    }

    #[test]
    fn each_action_is_one_request() {
        let green = Color::Green;
        let create =
            |n8n_version, pre_backup| TenantBlueGreen::Create { color: green, n8n_version, pre_backup };
        let swap = |to| TenantBlueGreen::Swap { to };
        for (body, request) in [
            (json!({ "action": "create_green" }), create(None, true)),
            (
                json!({ "action": "create_green", "n8n_version": "2.41.1", "pre_backup": false, "reason": "x" }),
                create(Some(NEW), false),
            ),
            (
                json!({ "action": "set_weight", "weight": 10 }),
                TenantBlueGreen::SetWeight { color: green, weight: 10 },
            ),
            (
                json!({ "action": "set_weight", "weight": 90, "to": "blue" }),
                TenantBlueGreen::SetWeight { color: Color::Blue, weight: 90 },
            ),
            (json!({ "action": "swap" }), swap(green)),
            (json!({ "action": "swap", "from": "blue", "to": "green" }), swap(green)),
            (json!({ "action": "swap", "from": "green" }), swap(Color::Blue)),
            (json!({ "action": "cleanup_green" }), TenantBlueGreen::Cleanup { color: green }),
        ] {
            assert_eq!(read(&body, &two(false)), Ok(Some(request)), "{body}");
        }
    }

    #[test]
    fn going_back_is_whatever_leads_there() {
        let body = json!({ "action": "rollback" });
        let none = TenantBlueGreen::SetWeight { color: Color::Green, weight: 0 };
        assert_eq!(read(&body, &two(false)), Ok(Some(none)));
        assert_eq!(read(&body, &two(true)), Ok(Some(TenantBlueGreen::Swap { to: Color::Green })));
        assert_eq!(read(&body, &Sides { second: None, ..two(false) }), Ok(None));
    }

    #[test]
    fn what_is_missing_or_says_nothing_is_told() {
        for (body, words) in [
            (json!({}), &["/action", "required"][..]),
            (
                json!({ "action": "paint" }),
                &["unknown_action", "create_blue, create_green, swap, set_weight"],
            ),
            (json!({ "action": "set_weight" }), &["/weight", "weight_required"]),
            (json!({ "action": "set_weight", "weight": 101 }), &["/weight", "from 0 to 100"]),
            (json!({ "action": "set_weight", "weight": 1, "to": "red" }), &["/to", "unknown_color"]),
            (json!({ "action": "swap", "from": "blue", "to": "blue" }), &["/to", "the_same"]),
            (json!({ "action": "swap", "weight": 10 }), &["/weight", "not_for_this"]),
            (json!({ "action": "rollback", "n8n_version": "2.40.7" }), &["/n8n_version", "not_for_this"]),
            (
                json!({ "action": "create_green", "n8n_version": "1.0.0" }),
                &["/n8n_version", "unknown_version"],
            ),
        ] {
            let refused = read(&body, &two(false)).unwrap_err();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }
}
