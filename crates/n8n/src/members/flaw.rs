//! The ways in which a member's rows are not as the platform made them.

use std::fmt;

use common::id::TenantId;
use secrecy::SecretString;
use uuid::Uuid;

use super::{MemberLimits, Place};

/// What there should be of a member who is let in, as far as it can be told without their password.
#[derive(Debug, Clone)]
pub struct Expected {
    pub tenant: TenantId,
    pub place: Place,
    /// The `seed` of [`Self::token`].
    pub key: Uuid,
    /// As in [`super::Member`].
    pub token: SecretString,
    pub limits: MemberLimits,
}

/// What a look at the members of a shared n8n showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Whether what all of them have in common is other than this release makes it: what their role may, and what keeps their webhooks and
    /// executions apart. [`crate::TenantDatabases::ensure_shared_schema`] puts that right.
    pub common_differs: bool,
    /// Who is not as they should be, and in what. `None` where the tables that would tell are gone.
    pub flawed: Option<Vec<(TenantId, Vec<Flaw>)>>,
}

/// One way. All but [`Self::Stranger`] are mended by [`super::Members::ensure`] and by taking marks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    UserMissing,
    /// Its role or its address is another.
    UserDiffers,
    Disabled,
    /// Whatever was in it is nobody's any more: n8n tells by the project alone whose a workflow is.
    ProjectMissing,
    ProjectDiffers,
    /// The user does not own the project.
    NotTheOwner,
    /// Somebody else is in the project, or the user in somebody else's: a person has to say who is right.
    Stranger,
    /// The key that came with the workspace is there, and is another or may more. One that is gone is no flaw: a member may delete it.
    KeyDiffers,
    /// Or there are none, without which nothing runs.
    LimitsDiffer,
    Suspended,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::UserMissing,
        Self::UserDiffers,
        Self::Disabled,
        Self::ProjectMissing,
        Self::ProjectDiffers,
        Self::NotTheOwner,
        Self::Stranger,
        Self::KeyDiffers,
        Self::LimitsDiffer,
        Self::Suspended,
    ];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserMissing => "member_user_missing",
            Self::UserDiffers => "member_user_differs",
            Self::Disabled => "member_disabled",
            Self::ProjectMissing => "member_project_missing",
            Self::ProjectDiffers => "member_project_differs",
            Self::NotTheOwner => "member_not_the_owner",
            Self::Stranger => "member_stranger",
            Self::KeyDiffers => "member_key_differs",
            Self::LimitsDiffer => "member_limits_differ",
            Self::Suspended => "member_suspended",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserMissing => "its user in the shared n8n is missing",
            Self::UserDiffers => "its user in the shared n8n has another role or address",
            Self::Disabled => "its user in the shared n8n is disabled",
            Self::ProjectMissing => {
                "its project in the shared n8n is missing: what it had in there can only come from a backup"
            }
            Self::ProjectDiffers => "its project in the shared n8n is of another kind or somebody else's",
            Self::NotTheOwner => "its user in the shared n8n does not own its project",
            Self::Stranger => "somebody else is in its project in the shared n8n, or its user in another's",
            Self::KeyDiffers => "its key in the shared n8n is another, or may more than it should",
            Self::LimitsDiffer => "its limits in the shared n8n are missing or others",
            Self::Suspended => "the shared n8n lets nothing of it begin",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_flaw_is_told_in_its_own_words() {
        let words: HashSet<_> = Flaw::ALL.iter().map(|flaw| flaw.as_str()).collect();
        let sentences: HashSet<_> = Flaw::ALL.iter().map(ToString::to_string).collect();
        assert_eq!((words.len(), sentences.len()), (Flaw::ALL.len(), Flaw::ALL.len()));
    }
}
