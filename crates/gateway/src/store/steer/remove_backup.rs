//! Removing a backup, holding it, and letting it go.

use super::{Steerable, Steering, noted, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, backups::Backup},
    tenants::words::Reason,
};

impl Steerable for Backup {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

/// A backup that nobody needs any more.
#[derive(Debug)]
pub struct RemoveBackup {
    noted: String,
}

/// A backup that nobody may remove.
#[derive(Debug)]
pub struct HoldBackup {
    noted: String,
}

/// One that may be removed again.
#[derive(Debug)]
pub struct ReleaseBackup {
    noted: String,
}

impl RemoveBackup {
    pub fn new(backup: &Backup) -> Self {
        Self { noted: noted(backup.id, None) }
    }
}

const OPERATORS: &[Role] = &[Role::Admin, Role::Operator];

impl Steering for RemoveBackup {
    type Target = Backup;
    // All that the tenant could be restored from is locked, in one order, and is what it has become by then: a look at other rows would be of when
    // the statement began, and of two removals at once each would count the other's. Retention takes no turns, so what it may take counts for
    // nothing; no statement lasts a minute.
    const STATEMENT: &'static str = steering!(
        possible: "with held as (
                 select b.id, b.tenant_id, b.status, b.legal_hold, b.kept_until,
                        b.status in ('verified', 'proven') and b.includes_database as restorable
                   from backups b
                  where b.tenant_id = (select its.tenant_id from backups its where its.id = $8)
                    and (b.id = $8 or b.status in ('verified', 'proven') and b.includes_database)
                  order by b.id for update
             )
             select from held b join tenants t on t.id = b.tenant_id
              where b.id = $8 and b.status in ('written', 'verified', 'proven') and not b.legal_hold and not backup_is_in_use(b.id)
                and (not b.restorable or t.status in ('deleted', 'failed')
                     or exists (select from held other
                                 where other.id <> b.id and other.restorable
                                   and (other.legal_hold or other.kept_until > now() + interval '1 minute')))",
        effect: "backup as (update backups b set status = 'removing' from accepted
                             where b.id = $8 and b.status in ('written', 'verified', 'proven') returning b.tenant_id)",
        changed: "select tenant_id, null::uuid as operation_id from backup",
    );
    const ACTION: &'static str = "backup.remove";
    const ROLES: &'static [Role] = OPERATORS;

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(backup: &Backup) -> Problem {
        if backup.legal_hold {
            return Problem::new(Code::BackupHeld).detail("It is under a legal hold: release it first.");
        }
        if backup.in_use {
            return Problem::new(Code::BackupInUse)
                .detail("Something is restored from it, or it is read back: wait for the end.");
        }
        if backup.is_restorable() {
            return Problem::new(Code::LastBackup).detail(
                "It is the last one that the tenant could be restored from. Make another one first.",
            );
        }
        Problem::new(Code::Conflict).detail(format!("The backup is {}.", backup.status))
    }
}

macro_rules! holding {
    ($steering:ident, $action:literal, $held:literal) => {
        impl $steering {
            pub fn new(backup: &Backup, reason: Option<&Reason>) -> Self {
                Self { noted: noted(backup.id, reason) }
            }
        }

        impl Steering for $steering {
            type Target = Backup;
            const STATEMENT: &'static str = steering!(
                possible: "select from backups b where b.id = $8 and b.status in ('written', 'verified', 'proven') for update of b",
                effect: "backup as (update backups b set legal_hold = $14 from accepted where b.id = $8 returning b.tenant_id)",
                changed: "select tenant_id, null::uuid as operation_id from backup",
            );
            const ACTION: &'static str = $action;
            const ROLES: &'static [Role] = OPERATORS;

            fn reason(&self) -> Option<&str> {
                Some(&self.noted)
            }

            fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
                statement.bind($held)
            }

            fn refusal(backup: &Backup) -> Problem {
                Problem::new(Code::Conflict).detail(format!("The backup is {}.", backup.status))
            }
        }
    };
}

holding!(HoldBackup, "backup.hold", true);
holding!(ReleaseBackup, "backup.release", false);
