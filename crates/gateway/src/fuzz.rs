//! Every parser that meets strangers' bytes, tried with inputs nobody wrote down. Not only that nothing panics: what a
//! parser accepts is held against a second, plainer statement of what it may accept.
//!
//! `FUZZ_INPUTS` says how many (2,000 a parser), `FUZZ_SEED` which (0): the same seed gives the same inputs.

mod bodies;
mod cursors;
mod queries;
mod signatures;
mod subdomains;
mod tokens;

use std::fmt::Debug;

use common::config::{Env, Section};
use proptest::{
    prelude::prop,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

/// A second or two of a debug build for each parser.
const INPUTS: u32 = 2_000;

struct Effort {
    inputs: u32,
    seed: u64,
}

impl Section for Effort {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self { inputs: env.or("FUZZ_INPUTS", INPUTS)?, seed: env.or("FUZZ_SEED", 0)? })
    }
}

/// Checks a property for many inputs; what breaks it is made smaller and shown with the seed it came from.
fn hold<S: Strategy<Value: Debug>>(inputs: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let Effort { inputs: cases, seed } = Env::of_process().load().unwrap();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    println!("{cases} inputs of seed {seed}");
    let begun = std::time::Instant::now();
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(&inputs, property) {
        panic!("{failure}\nagain: FUZZ_SEED={seed} FUZZ_INPUTS={cases}");
    }
    println!("{cases} inputs took {:.1?}", begun.elapsed());
}

/// Changes one byte, or none: what is almost right finds more than noise does.
fn with_a_byte_changed(text: &str, change: Option<(prop::sample::Index, char)>) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if let Some((index, letter)) = change.filter(|_| !letters.is_empty()) {
        let place = index.index(letters.len());
        letters[place] = letter;
    }
    letters.into_iter().collect()
}

/// Where to change what, for [`with_a_byte_changed`].
fn a_change() -> impl Strategy<Value = Option<(prop::sample::Index, char)>> {
    let letter = prop::char::range(' ', '~');
    prop::option::weighted(0.5, (proptest::arbitrary::any::<prop::sample::Index>(), letter))
}

/// Whether what `Debug` or JSON shows holds a NUL, which Postgres keeps in no text. A backslash itself is shown as two.
fn shows_a_nul(shown: &str) -> bool {
    let plain = shown.replace(r"\\", "");
    plain.contains(r"\0") || plain.contains(r"\u0000") || plain.contains(r"\u{0}")
}

#[test]
fn a_nul_is_seen_and_a_backslash_is_none() {
    for nul in [format!("{:?}", "a\0b"), serde_json::Value::from("a\0b").to_string()] {
        assert!(shows_a_nul(&nul), "{nul}");
    }
    assert!(
        !shows_a_nul(&format!("{:?}", r"a\0b"))
            && !shows_a_nul(&serde_json::Value::from(r"\u0000").to_string())
    );
}
