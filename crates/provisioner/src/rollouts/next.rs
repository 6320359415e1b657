//! What a rollout does next, and with whom.

use common::tenant::{Mode, TenantStatus};

use crate::store::rollouts::{Candidate, Counts};

/// What a rollout does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Some of the wave are under way, or something else is done to all who are left.
    Wait,
    /// The next wave begins.
    Begin,
    /// It ends, because more failed than may.
    Stop,
    /// It ends, because nobody is left.
    End,
}

/// A failure counts at once. Those under way go on, and nobody begins beside them.
pub const fn next(counts: Counts, max_failures: i64) -> Next {
    if counts.failed > max_failures {
        Next::Stop
    } else if counts.running > 0 {
        Next::Wait
    } else if counts.due > 0 {
        Next::Begin
    } else if counts.waiting > 0 {
        Next::Wait
    } else {
        Next::End
    }
}

/// How many tenants the next wave has: one, and then twice as many as the one before, until there are as many as may be at once. What is wrong with a
/// release is met by one tenant, and seldom by more than there are in a wave.
pub fn wave(waves: i32, concurrency: i32) -> usize {
    let doubled = 2_usize.saturating_pow(u32::try_from(waves).unwrap_or_default());
    doubled.min(usize::try_from(concurrency).unwrap_or(1))
}

/// Whether a tenant can be upgraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Now,
    /// Something else is done to it.
    Later,
    /// It is not what the rollout is for, and why.
    Skip(&'static str),
}

/// A tenant may have changed since it was selected.
pub fn fit(candidate: &Candidate) -> Fit {
    if candidate.mode == Mode::Shared {
        return Fit::Skip("It shares an n8n with others by now.");
    }
    if candidate.has_it {
        return Fit::Skip("It runs this release, or a later one, already.");
    }
    if candidate.is_stuck {
        return Fit::Skip("An operation of it waits for a person.");
    }
    if candidate.has_two_sides {
        return Fit::Skip("It has two sides: it is upgraded once it has one.");
    }
    match candidate.status {
        TenantStatus::Active => Fit::Now,
        TenantStatus::Provisioning | TenantStatus::Migrating => Fit::Later,
        TenantStatus::Suspended => Fit::Skip("It is suspended: it is upgraded once it has been resumed."),
        TenantStatus::Failed => Fit::Skip("It never came to be."),
        TenantStatus::Deleting | TenantStatus::Deleted => Fit::Skip("It is removed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::id::TenantId;

    const fn counts(waiting: i64, due: i64, running: i64, failed: i64) -> Counts {
        Counts { waiting, due, running, succeeded: 0, failed, skipped: 0 }
    }

    #[test]
    fn a_wave_begins_when_the_one_before_is_over_and_none_once_too_many_failed() {
        for (now, max_failures, expected) in [
            (counts(5, 5, 0, 0), 0, Next::Begin),
            (counts(4, 4, 1, 0), 0, Next::Wait),
            (counts(4, 4, 0, 1), 1, Next::Begin),
            (counts(4, 4, 0, 1), 0, Next::Stop),
            (counts(4, 4, 3, 2), 1, Next::Stop),
            (counts(2, 0, 0, 0), 0, Next::Wait),
            (counts(0, 0, 0, 1), 1, Next::End),
            (counts(0, 0, 0, 0), 0, Next::End),
            (counts(0, 0, 0, 2), 1, Next::Stop),
        ] {
            assert_eq!(next(now, max_failures), expected, "{now:?}, {max_failures}");
        }
    }

    #[test]
    fn the_first_wave_is_one_tenant_and_none_is_more_than_may_be_at_once() {
        let waves = |concurrency| (0..6).map(|waves| wave(waves, concurrency)).collect::<Vec<_>>();
        assert_eq!(waves(1), [1; 6]);
        assert_eq!(waves(5), [1, 2, 4, 5, 5, 5]);
        assert_eq!(waves(20), [1, 2, 4, 8, 16, 20]);
        assert_eq!([wave(63, 20), wave(64, 20), wave(i32::MAX, 20)], [20; 3]);
    }

    #[test]
    fn who_cannot_be_upgraded_is_passed_over_and_who_is_busy_comes_later() {
        let one = |status, mode, has_it| {
            let tenant = TenantId::generate();
            fit(&Candidate { tenant, status, mode, has_it, is_stuck: false, has_two_sides: false })
        };
        let twofold = Candidate {
            tenant: TenantId::generate(),
            status: TenantStatus::Active,
            mode: Mode::Dedicated,
            has_it: false,
            is_stuck: false,
            has_two_sides: true,
        };
        assert!(matches!(fit(&twofold), Fit::Skip(_)));
        assert_eq!(one(TenantStatus::Active, Mode::Dedicated, false), Fit::Now);
        assert_eq!(one(TenantStatus::Migrating, Mode::Dedicated, false), Fit::Later);
        assert_eq!(one(TenantStatus::Provisioning, Mode::Dedicated, false), Fit::Later);
        for (status, mode, has_it) in [
            (TenantStatus::Active, Mode::Dedicated, true),
            (TenantStatus::Active, Mode::Shared, false),
            (TenantStatus::Suspended, Mode::Dedicated, false),
            (TenantStatus::Deleting, Mode::Dedicated, false),
            (TenantStatus::Failed, Mode::Dedicated, false),
        ] {
            assert!(matches!(one(status, mode, has_it), Fit::Skip(_)), "{status:?}, {mode:?}, {has_it}");
        }
    }
}
