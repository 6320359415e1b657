//! The reconciler's decisions in a model world that is damaged at random.
//!
//! `plan` and `Sightings` are the real ones. The world is a model: rows, an inventory, and operations that heal between two
//! passes. One seed decides about everything; `docs/simulation.md` says how to see a seed again.

mod damage;
mod model;
mod pass;

use std::time::Duration;

use testkit::seeds::{self, Violation};

use super::sightings::{AT_ONCE, GRACE};
use model::Model;

/// Passes while the world is being damaged.
const PASSES: std::ops::Range<usize> = 5..60;

/// Passes in which nothing may be planned.
const IDLE: usize = 20;

fn simulate(seed: u64) -> Result<String, Violation> {
    let mut model = Model::new(seed);
    for _ in 0..model.dice.usize(PASSES) {
        model.damage();
        model.pass(true);
        model.wait();
        model.verdict()?;
    }
    model.note("the damage stops");
    // Whatever an operation works on is healed by it, and what was damaged again meanwhile by the next one.
    model.finish_operations();
    converge(&mut model)?;
    model.idle(IDLE);
    model.verdict()?;
    Ok(model.trace.join("\n"))
}

/// Drift is gone after two passes. What belongs to nobody goes after its grace, a few at a time; what it was in the way of is
/// healed by the two passes after that.
fn converge(model: &mut Model) -> Result<(), Violation> {
    for _ in 0..2 {
        model.pass(false);
        model.finish_operations();
    }
    model.must(model.nothing_drifted_unhindered(), "drift is healed within two passes");
    model.now += GRACE;
    for _ in 0..model.orphans().len().div_ceil(AT_ONCE) {
        model.pass(false);
        model.finish_operations();
    }
    model.must(model.orphans().is_empty(), "what belongs to nobody goes after its grace");
    for _ in 0..2 {
        model.pass(false);
        model.finish_operations();
    }
    model.must(model.all_whole(), "everything is as it should be in the end");
    model.now += Duration::from_secs(1);
    model.verdict()
}

#[test]
fn whatever_is_damaged_comes_back_and_nothing_else_is_touched() {
    let traces = seeds::each("-p provisioner whatever_is_damaged", simulate);
    let seen = |words: &str| traces.iter().any(|trace| trace.contains(words));
    for damage in damage::NAMES {
        assert!(seeds::is_replay() || seen(damage), "no seed tried: {damage}");
    }
}

#[test]
fn a_seed_gives_the_same_trace_again_and_another_one_does_not() {
    assert_eq!(simulate(7), simulate(7));
    assert_ne!(simulate(7), simulate(8));
}
