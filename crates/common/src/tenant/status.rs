//! Closed sets of words: how a tenant is hosted, how it is, and which of its two sides is meant.

use std::fmt;

/// A word that is none of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {}", .allowed.join(", "))]
pub struct UnknownWord {
    allowed: &'static [&'static str],
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$item_doc])* $variant),+ }

        impl $name {
            /// Every word, in the order of the contract.
            pub const ALL: &'static [&'static str] = &[$($word),+];

            /// The word used in the API, the database, metrics and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { allowed: Self::ALL }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// How a tenant is hosted.
    Mode {
        /// One project among others in the shared n8n.
        Shared => "shared",
        /// Containers, a database and a network of its own.
        Dedicated => "dedicated",
    }
}

words! {
    /// Where a tenant is in its life.
    TenantStatus {
        Provisioning => "provisioning",
        Active => "active",
        Suspended => "suspended",
        Migrating => "migrating",
        Failed => "failed",
        Deleting => "deleting",
        Deleted => "deleted",
    }
}

words! {
    /// Which of a tenant's two sides: during an upgrade both exist, otherwise one.
    Color {
        Blue => "blue",
        Green => "green",
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
