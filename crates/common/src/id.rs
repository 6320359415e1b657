//! Identifiers as types: `ten_…` cannot be passed where `op_…` is meant, and neither is ever a bare string.

use std::fmt;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id: it reads `{prefix}_` followed by 32 hexadecimal digits")]
pub struct IdError {
    kind: &'static str,
    prefix: &'static str,
}

fn parse(text: &str, prefix: &'static str, kind: &'static str) -> Result<uuid::Uuid, IdError> {
    let error = IdError { kind, prefix };
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(error.clone())?;
    // One spelling per id: `Uuid` would also read hyphens, braces and capitals.
    let canonical = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(error);
    }
    uuid::Uuid::try_parse(digits).map_err(|_| error)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The letters before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id; later ids sort after earlier ones (UUID version 7).
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            /// The id stored as this UUID.
            pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID this id is stored as.
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }

            /// The 32 hexadecimal digits alone, for names that allow no prefix of ours.
            pub fn digits(self) -> String {
                self.0.simple().to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix, $kind).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
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

id!(/** A customer of ours, with an n8n. */ TenantId, "ten", "tenant");
id!(/** One piece of long work. */ OperationId, "op", "operation");
id!(/** One entry of the audit log. */ AuditId, "aud", "audit entry");
id!(/** One time that an owner's password was made anew. */ ResetId, "rst", "password reset");
id!(/** One record: everything that lives in one database. */ RecordId, "rec", "record");
id!(/** A named key to the API. */ KeyId, "key", "API key");
id!(/** One set of a tenant's data outside of its n8n. */ BackupId, "bak", "backup");
id!(/** One time that a backup was loaded. */ RestoreId, "res", "restore");
id!(/** One time that a backup was tried out. */ DrillId, "drl", "restore drill");
id!(/** One time that a tenant was moved out of an n8n that it shares. */ PromotionId, "pro", "promotion");
id!(/** One time that many tenants were to get a later release of n8n. */ RolloutId, "rol", "rollout");
id!(/** One message that could not be handled. */ DeadLetterId, "dl", "dead letter");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = TenantId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let operation = OperationId::generate().to_string();
        assert!(operation.parse::<TenantId>().is_err());
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = TenantId::generate().to_string();
        let upper = id.replace("ten_", "TEN_");
        let hyphens = format!("ten_{}", TenantId::generate().uuid().hyphenated());
        for text in ["", "ten", "ten_", "ten_xyz", &upper, &hyphens, &format!("{id}0"), &format!(" {id}")] {
            assert!(text.parse::<TenantId>().is_err(), "{text:?} was accepted");
        }
    }
}
