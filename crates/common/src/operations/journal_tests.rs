use proptest::prelude::*;
use serde_json::json;

use super::*;

fn entry(ordinal: usize, event: Event) -> Entry {
    Entry { ordinal, event, output: None, class: None }
}

fn failed(event: Event, class: Class) -> Entry {
    Entry { class: Some(class), ..entry(0, event) }
}

fn journal(steps: usize, entries: &[(usize, Event)]) -> Journal {
    let mut journal = Journal::new(steps);
    for (ordinal, event) in entries {
        journal.apply(&entry(*ordinal, *event)).unwrap();
    }
    journal
}

#[test]
fn steps_run_in_order_and_then_the_operation_has_succeeded() {
    let mut entries = Vec::new();
    for step in 0..3 {
        assert_eq!(journal(3, &entries).next(false), Next::Run(step));
        entries.extend([(step, Event::Started), (step, Event::Succeeded)]);
    }
    assert_eq!(journal(3, &entries).next(false), Next::Finish(End::Succeeded));
}

#[test]
fn an_interrupted_step_is_run_again_and_when_undoing_it_is_undone_first() {
    let half = journal(3, &[(0, Event::Started), (0, Event::Succeeded), (1, Event::Started)]);
    assert_eq!(half.next(false), Next::Run(1));
    assert_eq!(half.next(true), Next::Undo(1));
}

#[test]
fn what_never_began_is_never_undone_but_the_first_step_settles_the_acceptance() {
    assert_eq!(journal(3, &[]).next(true), Next::Undo(0));
    let failed = journal(3, &[(0, Event::Started), (0, Event::Failed)]);
    assert_eq!(failed.next(true), Next::Undo(0));
    let settled = journal(3, &[(0, Event::UndoStarted), (0, Event::Undone)]);
    assert_eq!(settled.next(true), Next::Finish(End::RolledBack));
    assert!(Journal::new(3).apply(&entry(1, Event::UndoStarted)).is_err());
}

/// They are in rows that were written long ago.
#[test]
fn the_words_of_events_and_ends_stay_what_they_are() {
    let words = "started succeeded failed undo_started undone undo_failed resumed waiting";
    assert_eq!(Event::ALL.map(Event::as_str).join(" "), words);
    for event in Event::ALL {
        assert_eq!(Event::of_word(event.as_str()), Some(event));
    }
    assert_eq!(Event::of_word("begun"), None);
    let ends = [End::Succeeded, End::RolledBack, End::Stuck].map(|end| end.to_string());
    assert_eq!(ends, ["succeeded", "rolled_back", "stuck"]);
}

#[test]
fn the_state_is_what_the_last_success_left() {
    let mut journal = Journal::new(2);
    assert_eq!(journal.output(), None);
    for (ordinal, event, output) in [
        (0, Event::Started, None),
        (0, Event::Succeeded, Some(json!({ "seen": 1 }))),
        (1, Event::Started, None),
        (1, Event::Failed, Some(json!({ "seen": 2 }))),
    ] {
        journal.apply(&Entry { output, ..entry(ordinal, event) }).unwrap();
    }
    assert_eq!(journal.output(), Some(&json!({ "seen": 1 })));
}

#[test]
fn resuming_changes_nothing_but_the_count_of_failures() {
    let mut stuck = journal(2, &[(0, Event::Started)]);
    stuck.apply(&failed(Event::Failed, Class::Faulty)).unwrap();
    stuck.apply(&entry(0, Event::UndoStarted)).unwrap();
    stuck.apply(&failed(Event::UndoFailed, Class::Away)).unwrap();
    let counts = |journal: &Journal| {
        (journal.run_failures(0).of(Class::Faulty), journal.undo_failures(0).of(Class::Away))
    };
    assert_eq!(counts(&stuck), (1, 1));
    assert_eq!((stuck.run_failures(1), stuck.run_failures(7)), (Tally::default(), Tally::default()));
    let next = stuck.next(true);
    stuck.apply(&entry(0, Event::Resumed)).unwrap();
    assert_eq!((counts(&stuck), stuck.next(true)), ((0, 0), next));
}

#[test]
fn a_step_that_waits_is_run_again_and_undone_when_the_operation_goes_back() {
    let mut waiting = journal(2, &[(0, Event::Started)]);
    waiting.apply(&failed(Event::Failed, Class::Faulty)).unwrap();
    waiting.apply(&entry(0, Event::Started)).unwrap();
    assert!(!waiting.is_waiting(0));
    let saved = Entry { output: Some(json!({ "seen": 1 })), ..entry(0, Event::Waiting) };
    waiting.apply(&saved).unwrap();
    assert!(waiting.is_waiting(0) && !waiting.is_waiting(1));
    assert_eq!((waiting.next(false), waiting.next(true)), (Next::Run(0), Next::Undo(0)));
    assert_eq!(waiting.output(), Some(&json!({ "seen": 1 })));
    assert_eq!(waiting.run_failures(0), Tally::default(), "what was wrong before is over");
    // A look leaves no start behind: whatever comes of it may follow at once.
    for event in [Event::Waiting, Event::Succeeded, Event::Failed, Event::Started, Event::UndoStarted] {
        assert!(waiting.clone().apply(&entry(0, event)).is_ok(), "{event:?}");
    }
    assert!(waiting.clone().apply(&entry(0, Event::Undone)).is_err());
}

#[test]
fn an_undo_that_waits_keeps_the_state_and_is_begun_again() {
    let mut journal = journal(1, &[(0, Event::Started)]);
    let done = Entry { output: Some(json!({ "seen": 1 })), ..entry(0, Event::Succeeded) };
    for entry in [done, entry(0, Event::UndoStarted), entry(0, Event::Waiting)] {
        journal.apply(&entry).unwrap();
    }
    assert_eq!((journal.next(true), journal.is_waiting(0)), (Next::Undo(0), false));
    assert_eq!(journal.output(), Some(&json!({ "seen": 1 })));
    assert!(journal.clone().apply(&entry(0, Event::Undone)).is_err(), "it is not under way");
    assert!(journal.apply(&entry(0, Event::UndoStarted)).is_ok());
}

#[test]
fn who_vanishes_in_the_middle_of_a_step_leaves_it_interrupted() {
    let interrupted = |entries: &[(usize, Event)]| journal(2, entries).interrupted();
    assert_eq!(interrupted(&[]), None);
    assert_eq!(interrupted(&[(0, Event::Started)]), Some((0, Event::Failed)));
    assert_eq!(interrupted(&[(0, Event::Started), (0, Event::Waiting)]), Some((0, Event::Failed)));
    assert_eq!(interrupted(&[(0, Event::Started), (0, Event::Failed)]), None);
    let second = [(0, Event::Started), (0, Event::Succeeded), (1, Event::Started)];
    assert_eq!(interrupted(&second), Some((1, Event::Failed)));
    let undoing = [(0, Event::Started), (0, Event::UndoStarted)];
    assert_eq!(interrupted(&undoing), Some((0, Event::UndoFailed)));
    for end in [Event::UndoFailed, Event::Undone, Event::Waiting] {
        assert_eq!(interrupted(&[undoing[0], undoing[1], (0, end)]), None, "{end:?}");
    }
}

#[test]
fn impossible_histories_are_refused() {
    for events in [
        &[Event::Succeeded][..],
        &[Event::Started, Event::Succeeded, Event::Started],
        &[Event::Started, Event::UndoStarted, Event::Started],
        &[Event::Started, Event::UndoStarted, Event::Undone, Event::UndoStarted],
        &[Event::Waiting],
        &[Event::Started, Event::Failed, Event::Waiting],
    ] {
        let mut journal = Journal::new(1);
        let refused = events.iter().any(|event| journal.apply(&entry(0, *event)).is_err());
        assert!(refused, "{events:?}");
    }
    assert!(Journal::new(1).apply(&entry(1, Event::Started)).is_err());
}

proptest! {
    /// Whatever fails, is interrupted or repeated: following `next` ends, every step that began is undone when the
    /// operation rolls back, and no step begins before the one before it is done.
    #[test]
    fn following_next_always_ends_well(steps in 1usize..8, faults in prop::collection::vec(0u8..5, 0..60)) {
        let (mut journal, mut faults, mut undoing) = (Journal::new(steps), faults.into_iter(), false);
        let mut begun = vec![false; steps];
        let mut undone = vec![false; steps];
        let mut turns = 0;
        let end = loop {
            turns += 1;
            prop_assert!(turns < 1000);
            let fault = faults.next().unwrap_or(0);
            match journal.next(undoing) {
                Next::Finish(end) => break end,
                Next::Run(step) => {
                    prop_assert!(begun[..step].iter().all(|b| *b), "step {step} before an earlier one");
                    if !journal.is_waiting(step) {
                        journal.apply(&entry(step, Event::Started)).unwrap();
                    }
                    begun[step] = true;
                    match fault {
                        4 => journal.apply(&entry(step, Event::Waiting)).unwrap(),
                        0 => journal.apply(&entry(step, Event::Succeeded)).unwrap(),
                        1 => journal.apply(&entry(step, Event::Failed)).unwrap(),
                        2 => { journal.apply(&entry(step, Event::Failed)).unwrap(); undoing = true; }
                        _ => {} // a crash
                    }
                }
                Next::Undo(step) => {
                    prop_assert!(begun[step] && !undone[step]);
                    journal.apply(&entry(step, Event::UndoStarted)).unwrap();
                    match fault {
                        0 => { journal.apply(&entry(step, Event::Undone)).unwrap(); undone[step] = true; }
                        1 => journal.apply(&entry(step, Event::UndoFailed)).unwrap(),
                        4 => journal.apply(&entry(step, Event::Waiting)).unwrap(),
                        _ => {}
                    }
                }
            }
        };
        match end {
            End::Succeeded => prop_assert!(!undoing && begun.iter().all(|b| *b)),
            End::RolledBack => prop_assert_eq!(begun, undone),
            End::Stuck => prop_assert!(false, "the journal alone never says stuck"),
        }
    }
}
