//! Closed sets of words: how a tenant is hosted, what it is there for, how it is, and which of its two sides is meant.

use strum::VariantNames;

/// A word that is none of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {}", .allowed.join(", "))]
pub struct UnknownWord {
    allowed: &'static [&'static str],
}

pub(super) fn unknown<W: VariantNames>(_: &str) -> UnknownWord {
    UnknownWord { allowed: W::VARIANTS }
}

/// How a tenant is hosted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = UnknownWord, parse_err_fn = unknown::<Self>)]
pub enum Mode {
    /// One project among others in the shared n8n.
    Shared,
    /// Containers, a database and a network of its own.
    Dedicated,
}

impl Mode {
    /// Every word, in the order of the contract.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The word used in the API, the database, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// What a tenant is there for.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = UnknownWord, parse_err_fn = unknown::<Self>)]
pub enum Purpose {
    /// It is somebody's.
    #[default]
    Customer,
    /// It is the platform's own: an n8n that tenants in [`Mode::Shared`] live in. Nothing to customers and the portal.
    Shared,
    /// It is a copy of a customer's tenant, made from a backup, that reaches nothing and in which nothing starts by itself. No tenant of
    /// its own to customers and the portal.
    Sandbox,
    /// In place of a word that only a later release knows. It is no customer's and nobody shares it; what it needs that release knows, so
    /// nothing is made or changed for it.
    #[serde(other)]
    Unknown,
}

impl Purpose {
    /// Every one that this release knows.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Shared, Self::Sandbox];

    /// The word used in the database and in the edge's routes.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The one that this word in the record is, whichever release wrote it.
    pub fn of_record(word: &str) -> Self {
        word.parse().unwrap_or(Self::Unknown)
    }

    /// Whether it is somebody's.
    pub fn is_customer(&self) -> bool {
        *self == Self::Customer
    }
}

/// Where a tenant is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = UnknownWord, parse_err_fn = unknown::<Self>)]
pub enum TenantStatus {
    Provisioning,
    Active,
    Suspended,
    Migrating,
    Failed,
    Deleting,
    Deleted,
}

impl TenantStatus {
    /// Every word, in the order of the contract.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The word used in the API, the database, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether it is there to stay: it did not fail, and is neither gone nor on its way out.
    pub const fn is_living(self) -> bool {
        match self {
            Self::Provisioning | Self::Active | Self::Suspended | Self::Migrating => true,
            Self::Failed | Self::Deleting | Self::Deleted => false,
        }
    }
}

/// Which of a tenant's two sides: during an upgrade both exist, otherwise one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = UnknownWord, parse_err_fn = unknown::<Self>)]
pub enum Color {
    Blue,
    Green,
}

impl Color {
    /// Every word, in the order of the contract.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The word used in the API, the database, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        for word in TenantStatus::ALL {
            assert_eq!(word.parse::<TenantStatus>().map(TenantStatus::as_str), Ok(*word));
        }
    }

    #[test]
    fn what_only_a_later_release_knows_is_no_customers_and_not_shared() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::of_record(purpose.as_str()), purpose);
        }
        assert_eq!(Purpose::of_record("trial"), Purpose::Unknown);
        assert_eq!(serde_json::from_str::<Purpose>("\"trial\"").unwrap(), Purpose::Unknown);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let error = "large".parse::<Mode>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of: shared, dedicated");
    }
}
