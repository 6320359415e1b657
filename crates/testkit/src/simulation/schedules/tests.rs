use std::collections::{BTreeMap, BTreeSet};

use super::{super::faults::Fault, Outcome, oracle::Seen, simulate};
use crate::seeds;

#[test]
fn whatever_happens_every_moment_fires_once_or_is_passed_over_as_declared() {
    let outcomes = seeds::each("-p testkit every_moment_fires", simulate);
    if seeds::is_replay() || outcomes.len() < 400 {
        return;
    }
    let (mut faults, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for Outcome { faults: f, seen: s, .. } in &outcomes {
        f.iter().for_each(|(fault, count)| *faults.entry(*fault).or_insert(0) += count);
        s.iter().for_each(|(what, count)| *seen.entry(*what).or_insert(0) += count);
    }
    println!("{faults:?}\n{seen:?}");
    // A simulation in which nothing goes wrong proves nothing.
    for fault in Fault::of_schedules() {
        assert!(faults.contains_key(&fault), "no seed tried {fault:?}");
    }
    for what in Seen::ALL {
        assert!(seen.get(&what).is_some_and(|count| *count > 0), "no seed came across {what:?}");
    }
}

#[test]
fn a_seed_of_schedules_gives_the_same_trace_again_and_another_one_does_not() {
    let traces = |_| (0..40).map(|seed| simulate(seed).unwrap().trace).collect::<Vec<_>>();
    let (first, again) = (traces(()), traces(()));
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len());
}
