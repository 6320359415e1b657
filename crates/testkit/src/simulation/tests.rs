use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, faults::Fault, simulate};
use crate::{memory::Status, seeds};

#[test]
fn whatever_happens_every_operation_ends_as_it_should() {
    let outcomes = seeds::each("-p testkit whatever_happens", simulate);
    if seeds::is_replay() || outcomes.len() < 100 {
        return;
    }
    assert_everything_was_tried(&outcomes);
}

/// A simulation in which nothing goes wrong proves nothing.
fn assert_everything_was_tried(outcomes: &[Outcome]) {
    let mut faults = BTreeMap::new();
    for (fault, count) in outcomes.iter().flat_map(|outcome| &outcome.faults) {
        *faults.entry(*fault).or_insert(0) += count;
    }
    println!("{faults:?}");
    for fault in Fault::of_operations() {
        assert!(faults.contains_key(&fault), "no seed tried {fault:?}");
    }
    let ends: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.ends).collect();
    for end in [Status::Succeeded, Status::RolledBack, Status::Abandoned] {
        for part in [false, true] {
            let count = ends.iter().filter(|seen| ***seen == (part, end)).count();
            println!("{count} operations (parts: {part}) ended {}", end.as_str());
            assert!(count > 0, "no seed made an operation (a part: {part}) end {}", end.as_str());
        }
    }
}

#[test]
fn a_seed_gives_the_same_trace_again_and_another_one_does_not() {
    let traces = |_| (0..40).map(|seed| simulate(seed).unwrap().trace).collect::<Vec<_>>();
    let (first, again) = (traces(()), traces(()));
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len());
}
