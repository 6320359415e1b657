//! What is made of a panic.

use std::any::Any;

use super::metrics;

/// Tells that a piece of work came to an unexpected end.
pub(crate) fn panicked(task: &'static str, panic: &(dyn Any + Send)) {
    metrics::panicked(task);
    tracing::error!(task, error = words(panic), "a piece of work came to an unexpected end");
}

/// What a panic says, if it says something.
pub(super) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_says_is_told() {
        let said = |panics: fn()| {
            let panic = std::panic::catch_unwind(panics).unwrap_err();
            words(panic.as_ref()).to_owned()
        };
        assert_eq!(said(|| panic!("short")), "short");
        assert_eq!(said(|| panic!("with {}", 1)), "with 1");
        assert_eq!(said(|| std::panic::panic_any(1)), "a panic without words");
    }
}
