//! What stands against following the gateway. Behind one name there may be two gateways that tell different things, each of which is
//! asked now and then: neither is a reason to say again and again that something is refused, and is followed.

use std::time::Duration;

use common::error::chain;
use edge::guard::Refusal;
use tokio::time::Instant;

use super::Relay;
use crate::metrics;

/// For so long nothing but what can be followed must have been told before a refusal is over. Some forty questions.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// What was refused last, for as long as it is not over.
#[derive(Debug, Default)]
pub struct Refused(Option<Last>);

#[derive(Debug)]
struct Last {
    refusal: Refusal,
    good_since: Option<Instant>,
}

impl Refused {
    /// What is refused now.
    pub fn get(&self) -> Option<Refusal> {
        self.0.as_ref().map(|last| last.refusal)
    }

    /// This was just told and refused. Says whether that is news.
    pub fn again(&mut self, refusal: Refusal) -> bool {
        let news = self.get() != Some(refusal);
        self.0 = Some(Last { refusal, good_since: None });
        news
    }

    /// What was just told can be followed. Says whether the refusal is over by that.
    pub fn is_over(&mut self, now: Instant) -> bool {
        let over = |last: &mut Last| now - *last.good_since.get_or_insert(now) >= GOOD_FOR;
        self.0.take_if(over).is_some()
    }

    /// A person says that it is right.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

impl Relay {
    pub(super) fn tell_refusal(&self, refusal: Refusal) {
        metrics::refused(Some(refusal));
        match refusal {
            Refusal::Stranger { served, offered } => tracing::error!(
                record.served = %served, record.offered = %offered,
                "the gateway tells the routes of another record; the former ones are still served, until a person accepts"
            ),
            Refusal::Shrunk { lost, of } => tracing::error!(
                lost,
                of,
                "too many routes are gone at once; the former ones are still served, until a person accepts"
            ),
        }
        // In this order: who finds their word gone reads what is refused since.
        let told = self.0.memory.tell_refused(refusal).and_then(|()| self.0.memory.take_word());
        if let Err(error) = told {
            tracing::error!(error = chain(&error), "nobody can accept what is refused");
        }
    }

    pub(super) fn end_refusal(&self) {
        metrics::refused(None);
        let told = self.0.memory.tell_followed().and_then(|()| self.0.memory.take_word());
        if let Err(error) = told {
            tracing::error!(error = chain(&error), "a person's word cannot be taken off the disk");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: Refusal = Refusal::Shrunk { lost: 40, of: 40 };

    #[test]
    fn two_gateways_in_turn_are_one_refusal_until_there_is_only_the_good_one() {
        let (mut refused, mut now, mut told, mut over) = (Refused::default(), Instant::now(), 0, 0);
        // A quarter of a second each: a minute of both, and then the good one.
        for question in 0..300 {
            now += Duration::from_millis(250);
            if question < 240 && question % 3 == 0 {
                told += usize::from(refused.again(GONE));
            } else if refused.is_over(now) {
                assert!(question >= 240 + 38, "{question}");
                over += 1;
            }
        }
        assert_eq!((told, over, refused.get()), (1, 1, None));
    }

    #[test]
    fn something_else_is_news_and_a_persons_word_ends_it_at_once() {
        let mut refused = Refused::default();
        assert!(!refused.is_over(Instant::now()), "there was nothing");
        assert!(refused.again(GONE) && refused.again(Refusal::Shrunk { lost: 41, of: 41 }));
        refused.forget();
        assert_eq!(refused.get(), None);
    }
}
