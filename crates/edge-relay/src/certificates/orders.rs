//! When a certificate that is not there is ordered. Traefik would order it with every document, several times a second where tenants come
//! and go, and issuers count: an account's orders, and a name's failures.

use std::collections::VecDeque;

use edge::Certificate;
use time::{Duration, OffsetDateTime};

use crate::ordered::{Ordered, Past};

/// Let's Encrypt takes 300 new orders of an account within three hours, and 5 failures of a name within one.
const AN_HOUR: usize = 90;

/// Of these, so many for what has failed before: whose domain was never right must not be in the way of whose is new.
const AGAIN_AN_HOUR: usize = 30;

/// After the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::minutes(15);

const LONGEST_PAUSE: Duration = Duration::days(1);

/// The platform's own: all tenants wait for it, and it is operators who put it right.
const LONGEST_PAUSE_OF_ALL: Duration = Duration::hours(1);

/// So many at once: each of them is a router more while it is asked for.
const AT_ONCE: usize = 20;

/// Who may be ordered, and when.
#[derive(Debug)]
pub struct Orders {
    past: Past,
    /// When, and whether it had failed before.
    within_an_hour: VecDeque<(OffsetDateTime, bool)>,
}

impl Orders {
    /// Goes on from what was done before.
    pub fn after(past: Past) -> Self {
        let mut recent: Vec<_> = past.values().map(|ordered| (ordered.at, ordered.times > 1)).collect();
        recent.sort();
        Self { past, within_an_hour: recent.into() }
    }

    /// What was done before.
    pub const fn past(&self) -> &Past {
        &self.past
    }

    /// Those of the missing certificates that are ordered now. That counts at once: whoever crashes over it does not begin anew.
    pub fn take<'a>(
        &mut self,
        missing: impl IntoIterator<Item = &'a Certificate>,
        now: OffsetDateTime,
    ) -> Vec<Certificate> {
        self.past.retain(|_, ordered| now - ordered.at < LONGEST_PAUSE * 2);
        while self.within_an_hour.pop_front_if(|(at, _)| now - *at >= Duration::HOUR).is_some() {}
        let mut taken = Vec::new();
        for certificate in missing {
            if taken.len() < AT_ONCE && self.may_order(certificate, now) {
                self.note(certificate, now);
                taken.push(certificate.clone());
            }
        }
        taken
    }

    fn may_order(&self, certificate: &Certificate, now: OffsetDateTime) -> bool {
        let Some(ordered) = self.past.get(&certificate.to_string()) else {
            return is_own(certificate) || self.within_an_hour.len() < AN_HOUR;
        };
        let again = self.within_an_hour.iter().filter(|(_, again)| *again).count();
        let room = is_own(certificate) || (again < AGAIN_AN_HOUR && self.within_an_hour.len() < AN_HOUR);
        room && now - ordered.at >= pause(certificate, ordered.times)
    }

    fn note(&mut self, certificate: &Certificate, now: OffsetDateTime) {
        let ordered = self.past.entry(certificate.to_string()).or_insert(Ordered { at: now, times: 0 });
        *ordered = Ordered { at: now, times: ordered.times.saturating_add(1) };
        self.within_an_hour.push_back((now, ordered.times > 1));
    }

    /// It is there, or its domain leads here again: what failed before says nothing any more, except that it was a moment ago.
    pub fn begin_anew(&mut self, certificate: &Certificate) {
        if let Some(ordered) = self.past.get_mut(&certificate.to_string()) {
            ordered.times = 1;
        }
    }
}

const fn is_own(certificate: &Certificate) -> bool {
    matches!(certificate, Certificate::Wildcard(_))
}

/// How long after so many orders in a row.
fn pause(certificate: &Certificate, times: u32) -> Duration {
    let longest = if is_own(certificate) { LONGEST_PAUSE_OF_ALL } else { LONGEST_PAUSE };
    (FIRST_PAUSE * 2_i32.pow(times.saturating_sub(1).min(10))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn custom(number: usize) -> Certificate {
        Certificate::Custom(format!("flows.customer{number}.example").parse().unwrap())
    }

    fn own() -> Certificate {
        Certificate::Wildcard("flows.example".parse().unwrap())
    }

    /// The minutes of two days in which a certificate is ordered that never comes, looked at every ten seconds.
    fn minutes(orders: &mut Orders, certificate: &Certificate) -> Vec<i64> {
        let looks = (0..2 * 24 * 360).map(|look| BEGIN + Duration::seconds(10 * look));
        let ordered = looks.filter(|now| !orders.take([certificate], *now).is_empty());
        ordered.map(|at| (at - BEGIN).whole_minutes()).collect()
    }

    #[test]
    fn what_fails_is_ordered_ever_more_seldom_and_the_platforms_own_every_hour() {
        let failing = minutes(&mut Orders::after(Past::new()), &custom(1));
        assert_eq!(failing, [0, 15, 45, 105, 225, 465, 945, 1905]);
        let own = minutes(&mut Orders::after(Past::new()), &own());
        assert_eq!(own[..5], [0, 15, 45, 105, 165]);
    }

    #[test]
    fn a_new_process_goes_on_where_the_former_was() {
        let mut orders = Orders::after(Past::new());
        assert_eq!(orders.take([&custom(1)], BEGIN).len(), 1);
        let told = serde_json::to_vec(orders.past()).unwrap();
        let mut orders = Orders::after(serde_json::from_slice(&told).unwrap());
        assert_eq!(orders.take([&custom(1)], BEGIN + Duration::minutes(14)), []);
        assert_eq!(orders.take([&custom(1)], BEGIN + Duration::minutes(15)).len(), 1);
    }

    #[test]
    fn who_leads_here_again_waits_no_longer_than_after_a_first_failure() {
        let mut orders = Orders::after(Past::new());
        let last = *minutes(&mut orders, &custom(1)).last().unwrap();
        orders.begin_anew(&custom(1));
        let soon = BEGIN + Duration::minutes(last + 16);
        assert_eq!(orders.take([&custom(1)], soon).len(), 1);
        orders.begin_anew(&custom(1));
        assert_eq!(
            orders.take([&custom(1)], soon + Duration::minutes(14)),
            [],
            "however often it comes and goes"
        );
    }

    #[test]
    fn whatever_fails_leaves_room_for_what_is_new_and_for_the_platforms_own() {
        let failing: Vec<_> = (0..1_000).map(custom).collect();
        let mut orders = Orders::after(Past::new());
        let mut within = |from: Duration| {
            let looks = (0..360).map(|look| BEGIN + from + Duration::seconds(10 * look));
            looks.map(|now| orders.take(&failing, now).len()).sum::<usize>()
        };
        assert_eq!(within(Duration::ZERO), AN_HOUR);
        assert_eq!(within(Duration::HOUR), AN_HOUR);
        let later = BEGIN + Duration::minutes(122);
        let again: Vec<_> = failing[..150].iter().collect();
        let took = (0..20).map(|look| orders.take(again.clone(), later + Duration::seconds(look)).len());
        assert_eq!(took.sum::<usize>(), AGAIN_AN_HOUR);
        let wanted = [&custom(2_000), &own()];
        assert_eq!(orders.take(wanted, later + Duration::minutes(1)).len(), 2);
    }
}
