//! Closed sets of words: how a tenant is hosted, how it is, and which of its two sides is meant.

use strum::VariantNames;

/// A word that is none of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {}", .allowed.join(", "))]
pub struct UnknownWord {
    allowed: &'static [&'static str],
}

fn unknown<W: VariantNames>(_: &str) -> UnknownWord {
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
}

/// Which of a tenant's two sides: during an upgrade both exist, otherwise one.
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
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let error = "large".parse::<Mode>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of: shared, dedicated");
    }
}
