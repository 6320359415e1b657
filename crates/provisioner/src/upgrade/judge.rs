//! Whether a side of a later release does as well as the former one. Pure.

use edge::calls::Answers;

/// Of so many calls that one side answered a part says something.
const FEW: u64 = 20;

/// So many are enough to go on by: faults that a release shows after some executions have shown by then.
const ENOUGH: u64 = 200;

/// A quiet tenant is not waited for any longer, in looks: three minutes.
const QUIET_AFTER: u32 = 12;

/// Whoever cannot be judged after so many goes back: a quarter of an hour.
const GIVE_UP_AFTER: u32 = 60;

/// Not ready in so many looks, one after the other: what begins anew is ready again by then.
const UNREADY: u32 = 3;

/// More errors than the former side has, as a part of the calls.
const MORE_ERRORS: f64 = 0.05;

/// Slower than the former side, in milliseconds.
const SLOWER_MS: f64 = 500.0;

/// More executions that fail than before, as a part of all.
const MORE_FAILURES: f64 = 0.10;

/// How calls were answered.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    pub error_rate: f64,
    pub p95_ms: f64,
}

impl Figures {
    /// Of these. `None`: they are too few to say anything.
    pub fn of(answers: &Answers) -> Option<Self> {
        let (error_rate, p95_ms) = answers.error_rate().zip(answers.p95_ms())?;
        (answers.calls >= FEW).then_some(Self { error_rate, p95_ms })
    }
}

/// What is known of a side beside the former one, since it has its present share.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// How often it was looked at.
    pub looks: u32,
    /// In how many looks, up to this one, something of it was not ready.
    pub unready: u32,
    /// Whether anybody counts calls.
    pub is_counted: bool,
    /// The former side's, at the last share at which it answered enough.
    pub old: Option<Figures>,
    /// What it answered itself.
    pub new: Answers,
    /// Which part of the tenant's executions failed before, and lately.
    pub failing: (Option<f64>, Option<f64>),
    /// Executions wait, and no worker takes one.
    pub workers_idle: bool,
}

/// What is done about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes on.
    Good,
    /// It goes back, for this reason.
    Bad(String),
    /// It is too quiet to be judged by what callers do: it is asked itself.
    Ask,
    /// It is looked at again.
    Wait,
}

impl Verdict {
    /// A word for the log; the reason is the operation's.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad(_) => "bad",
            Self::Ask => "ask",
            Self::Wait => "wait",
        }
    }
}

/// What speaks against it, however many calls it had.
pub fn fault(seen: &Seen) -> Option<String> {
    if seen.unready >= UNREADY {
        return Some("Something of the new side is not ready.".to_owned());
    }
    if seen.workers_idle && seen.looks > UNREADY {
        return Some("Executions wait, and no worker takes them.".to_owned());
    }
    let (before, now) = seen.failing;
    let (before, now) = (before.unwrap_or_default(), now?);
    (now > before + MORE_FAILURES).then(|| {
        format!("{} of the tenant's executions fail; before it were {}.", percent(now), percent(before))
    })
}

/// Whether it may have more.
pub fn judge(seen: &Seen) -> Verdict {
    if let Some(fault) = fault(seen) {
        return Verdict::Bad(fault);
    }
    let new = Figures::of(&seen.new);
    if let Some(fault) = new.and_then(|new| worse(&new, seen.old.as_ref())) {
        return Verdict::Bad(fault);
    }
    if seen.new.calls >= ENOUGH {
        return Verdict::Good;
    }
    if seen.looks < QUIET_AFTER {
        return Verdict::Wait;
    }
    match (new, seen.is_counted) {
        (Some(_), _) => Verdict::Good,
        // Not being counted is not being quiet.
        (None, true) => Verdict::Ask,
        (None, false) if seen.looks >= GIVE_UP_AFTER => {
            Verdict::Bad("Nobody counts the calls of the two sides, so they cannot be compared.".to_owned())
        }
        (None, false) => Verdict::Wait,
    }
}

fn worse(new: &Figures, old: Option<&Figures>) -> Option<String> {
    let (errors, p95) = old.map_or((0.0, None), |old| (old.error_rate, Some(old.p95_ms)));
    if new.error_rate > errors + MORE_ERRORS {
        let (new, old) = (percent(new.error_rate), percent(errors));
        return Some(format!("The new side answers {new} of the calls with an error; the former one {old}."));
    }
    let p95 = p95.filter(|old| new.p95_ms > old + SLOWER_MS)?;
    Some(format!(
        "95 of a hundred calls are answered within {:.0} ms by the new side, and within {p95:.0} ms by the former one.",
        new.p95_ms
    ))
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(calls: u64, failed: u64, slow: u64) -> Answers {
        Answers { calls, failed, within: vec![(0.1, calls - slow), (5.0, calls)] }
    }

    fn seen(new: Answers) -> Seen {
        let old = Some(Figures { error_rate: 0.01, p95_ms: 95.0 });
        Seen { looks: 1, unready: 0, is_counted: true, old, new, failing: (None, None), workers_idle: false }
    }

    #[track_caller]
    fn bad(seen: &Seen, words: &str) {
        let Verdict::Bad(reason) = judge(seen) else { panic!("it is not bad: {seen:?}") };
        assert!(reason.contains(words), "{reason}");
    }

    #[test]
    fn enough_calls_that_were_answered_well_are_enough() {
        assert_eq!(judge(&seen(answers(200, 2, 0))), Verdict::Good);
        assert_eq!(judge(&seen(answers(199, 2, 0))), Verdict::Wait);
        // With what there is after a while.
        assert_eq!(judge(&Seen { looks: 12, ..seen(answers(20, 0, 0)) }), Verdict::Good);
    }

    #[test]
    fn more_errors_than_the_former_side_are_too_many_and_its_own_are_not() {
        bad(&seen(answers(100, 7, 0)), "7.0 % of the calls with an error; the former one 1.0 %");
        assert_eq!(judge(&seen(answers(100, 6, 0))), Verdict::Wait);
        assert_eq!(judge(&seen(answers(19, 19, 0))), Verdict::Wait, "of so few nothing is concluded");
        let always = Figures { error_rate: 0.4, p95_ms: 95.0 };
        assert_eq!(judge(&Seen { old: Some(always), ..seen(answers(200, 80, 0)) }), Verdict::Good);
        bad(&Seen { old: None, ..seen(answers(100, 6, 0)) }, "the former one 0.0 %");
    }

    #[test]
    fn being_slower_counts_where_there_is_something_to_compare_with() {
        bad(&seen(answers(100, 0, 20)), "within 95 ms by the former one");
        assert_eq!(judge(&Seen { old: None, ..seen(answers(200, 0, 20)) }), Verdict::Good);
    }

    #[test]
    fn more_failing_executions_than_before_are_too_many() {
        let failing = |before, now| Seen { failing: (before, now), ..seen(answers(200, 0, 0)) };
        bad(&failing(Some(0.02), Some(0.13)), "13.0 % of the tenant's executions fail; before it were 2.0 %");
        bad(&failing(None, Some(0.11)), "before it were 0.0 %");
        for good in [failing(Some(0.5), Some(0.55)), failing(Some(0.5), None), failing(None, None)] {
            assert_eq!(judge(&good), Verdict::Good, "{good:?}");
        }
    }

    #[test]
    fn a_quiet_tenant_is_asked_and_one_that_nobody_counts_goes_back() {
        let quiet = |looks, is_counted| judge(&Seen { looks, is_counted, ..seen(answers(3, 0, 0)) });
        assert_eq!((quiet(11, true), quiet(12, true)), (Verdict::Wait, Verdict::Ask));
        assert_eq!((quiet(12, false), quiet(59, false)), (Verdict::Wait, Verdict::Wait));
        bad(&Seen { looks: 60, is_counted: false, ..seen(answers(0, 0, 0)) }, "cannot be compared");
    }

    #[test]
    fn a_side_that_is_not_there_or_does_nothing_is_bad_however_well_it_answered() {
        let good = seen(answers(500, 0, 0));
        bad(&Seen { unready: 3, ..good.clone() }, "not ready");
        assert_eq!(judge(&Seen { unready: 2, ..good.clone() }), Verdict::Good);
        bad(&Seen { workers_idle: true, looks: 4, ..good.clone() }, "no worker takes them");
        assert_eq!(judge(&Seen { workers_idle: true, looks: 3, ..good }), Verdict::Good);
    }
}
