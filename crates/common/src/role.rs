//! What somebody can be to the platform.

use strum::VariantArray;

/// What somebody is to the platform.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = Advice, parse_err_fn = unknown)]
pub enum Role {
    /// Runs the platform.
    Admin,
    /// Runs it day by day.
    Operator,
    /// Another program of ours: the portal, a function.
    Service,
    /// A customer: sees some tenants and nothing else.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in tokens, the audit log and the configuration.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether somebody of this role may do all that one of the other may: each may what those after it may, and more.
    pub const fn includes(self, other: Self) -> bool {
        self as u8 <= other as u8
    }
}

/// What whoever wrote another word is told.
type Advice = &'static str;

fn unknown(_: &str) -> Advice {
    "a role is one of: admin, operator, service, owner"
}
