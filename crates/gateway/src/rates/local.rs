//! Counting in this process, while Redis is away: the same figures, for each replica by itself.

use std::time::Duration;

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};

use super::policy::{Counter, Figures, Group, LimitStatus};

type Limiter = DefaultKeyedRateLimiter<[u8; 16], StateInformationMiddleware>;

/// Counters in memory. A full quota at once, then as many as flow back evenly over the window.
pub struct Local {
    limiters: [Limiter; Group::ALL.len()],
    figures: Figures,
    clock: DefaultClock,
}

impl Local {
    /// Everybody has everything left.
    pub fn new(figures: Figures) -> Self {
        Self {
            limiters: Group::ALL.map(|group| limiter(&figures, group)),
            figures,
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request under these counters, up to the first that refuses.
    pub fn count(&self, counters: &[Counter]) -> Vec<LimitStatus> {
        let mut limits = Vec::with_capacity(counters.len());
        for counter in counters {
            let limit = self.count_one(counter);
            limits.push(limit);
            if !limit.admitted {
                break;
            }
        }
        limits
    }

    fn count_one(&self, counter: &Counter) -> LimitStatus {
        let (group, quota) = (counter.group(), self.figures.of(counter.group()).requests().get());
        let policy = group.policy();
        match self.limiter(group).check_key(counter.digest()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = quota.saturating_sub(remaining);
                let resets_in = self.figures.window.mul_f64(f64::from(used) / f64::from(quota));
                LimitStatus { policy, quota, remaining, resets_in, admitted: true }
            }
            Err(refused) => {
                let resets_in = refused.wait_time_from(self.clock.now());
                LimitStatus { policy, quota, remaining: 0, resets_in, admitted: false }
            }
        }
    }

    fn limiter(&self, group: Group) -> &Limiter {
        let [owner, staff, change, read] = &self.limiters;
        match group {
            Group::Owner => owner,
            Group::Staff => staff,
            Group::Change => change,
            Group::Read => read,
        }
    }

    /// Forgets whoever has everything left again, so that memory holds one window's callers at most.
    pub fn forget_the_idle(&self) {
        for limiter in &self.limiters {
            if !limiter.is_empty() {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.limiters.iter().map(|limiter| limiter.len()).sum()
    }
}

fn limiter(figures: &Figures, group: Group) -> Limiter {
    let burst = figures.of(group).requests();
    // A window is a second or more and a quota a thousand million or less, so this is a nanosecond or more.
    let apart = (figures.window / burst.get()).max(Duration::from_nanos(1));
    let quota = Quota::with_period(apart).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
    RateLimiter::keyed(quota).with_middleware()
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::id::TenantId;
    use http::Method;

    fn local(change: &str, window: Duration) -> Local {
        let plenty = "1000000000".parse().unwrap();
        let change = change.parse().unwrap();
        Local::new(Figures { window, owner: plenty, staff: plenty, change, read: plenty })
    }

    fn change() -> Counter {
        Counter::of_action(TenantId::generate(), &Method::DELETE, "/tenants/{id}")
    }

    #[test]
    fn a_whole_quota_is_there_at_once_and_then_nothing_for_that_one_alone() {
        let (local, one) = (local("3", Duration::from_secs(3600)), change());
        let remaining: Vec<_> = (0..3).map(|_| local.count(&[one])[0].remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = local.count(&[one, Counter::of_nobody()]);
        assert_eq!((refused.len(), refused[0].admitted), (1, false), "the next counter is not looked at");
        assert!((1..=1200).contains(&refused[0].resets_in_seconds()), "{refused:?}");
        assert!(local.count(&[change()])[0].admitted);
    }

    #[test]
    fn whoever_is_idle_for_a_window_is_forgotten() {
        let local = local("1000000000", Duration::from_secs(1));
        for _ in 0..1000 {
            local.count(&[change()]);
        }
        // One of a thousand million flows back within a nanosecond.
        local.forget_the_idle();
        assert_eq!(local.remembered(), 0);
    }
}
