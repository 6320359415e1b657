//! The one name that a tenant's database and its role share.

use std::fmt;

use common::id::TenantId;

/// `ten_<32 hexadecimal digits>`: also what PostgreSQL takes unquoted, though we quote it all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(TenantId);

/// What may stand beside a tenant's database while a backup takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beside {
    /// Filled from the backup, and not in use yet.
    Next,
    /// What was in use before, until nobody goes back any more.
    Former,
    /// Empty, in that one's stead where there was none: a database that was lost.
    Nothing,
}

impl Beside {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Next, Self::Former, Self::Nothing];
}

/// What a keeper's name ends with. All of it is within the 63 bytes that PostgreSQL keeps of one.
const KEEPER: &str = "_keeper";

/// A text that no tenant's database is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of a tenant's database")]
pub struct NameError;

impl Name {
    /// The name for this tenant.
    pub const fn of(tenant: TenantId) -> Self {
        Self(tenant)
    }

    /// What the database beside it is called: no [`Name`], so whoever looks for tenants' databases takes it for none.
    pub fn beside(self, which: Beside) -> String {
        let word = match which {
            Beside::Next => "next",
            Beside::Former => "former",
            Beside::Nothing => "nothing",
        };
        format!("{self}_{word}")
    }

    /// What its keeper is called: the login by which the platform enters its databases. No [`Name`] either.
    pub fn keeper(self) -> String {
        format!("{self}{KEEPER}")
    }

    /// Whose keeper is called so.
    pub(super) fn of_keeper(text: &str) -> Option<Self> {
        text.strip_suffix(KEEPER)?.parse().ok()
    }

    /// The tenant with this name.
    pub const fn tenant(self) -> TenantId {
        self.0
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self).map_err(|_| NameError)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_no_names() {
        let id = TenantId::generate();
        assert_eq!(id.to_string().parse(), Ok(Name::of(id)));
        for beside in Beside::ALL.map(|which| Name::of(id).beside(which)) {
            assert_eq!(beside.parse::<Name>(), Err(NameError), "{beside}");
        }
        let keeper = Name::of(id).keeper();
        assert_eq!(keeper.parse::<Name>(), Err(NameError), "{keeper}");
        assert!(keeper.len() < 64, "{keeper}");
        assert_eq!(Name::of_keeper(&keeper), Some(Name::of(id)));
        for text in [id.to_string(), format!("{keeper}_keeper"), "rp9_keeper".to_owned()] {
            assert_eq!(Name::of_keeper(&text), None, "{text}");
        }
        for text in [
            "postgres",
            "rp9",
            "ten_",
            "ten_x\"; DROP ROLE rp9; --",
            "n8n_template_2_41_1",
            &format!("{id}\0"),
        ] {
            assert_eq!(text.parse::<Name>(), Err(NameError), "{text:?}");
        }
    }
}
