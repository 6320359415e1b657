//! How much is tried. `deploy/test` has to end while somebody waits for it; `just thorough` need not.

/// Whether everything is to be tried that there is (`EFFORT=all`).
#[expect(clippy::disallowed_methods, reason = "tests are told how much to try by their environment")]
pub fn is_thorough() -> bool {
    std::env::var("EFFORT").is_ok_and(|effort| effort == "all")
}

/// How often something is tried, in short, or where somebody wants to be sure.
pub fn times(short: usize, all: usize) -> usize {
    if is_thorough() { all } else { short }
}
