//! Labels of tenants' addresses.

use common::tenant::{Subdomain, SubdomainError};
use proptest::prelude::*;

use super::hold;

/// The grammar as the description of the API gives it: `^[a-z0-9]+(-[a-z0-9]+)*$`, 3 to 40 characters.
fn fits_the_grammar(text: &str) -> bool {
    let letters =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=40).contains(&text.len()) && text.split('-').all(letters)
}

#[test]
fn a_subdomain_is_what_the_grammar_says_unless_it_is_reserved() {
    let texts = prop_oneof![
        4 => "[a-z0-9-]{0,44}",
        1 => "[a-z0-9]{1,3}-restore-[0-9]{0,8}",
        1 => "(www|api|n8n|xn--[a-z]{1,5}|admin)",
        1 => "[a-zA-Z0-9._\\-\u{e4}\u{ff10}]{0,10}",
        1 => any::<String>(),
    ];
    hold(texts, |text| {
        match (text.parse::<Subdomain>(), fits_the_grammar(&text)) {
            (Ok(subdomain), true) => prop_assert_eq!(subdomain.as_str(), text),
            (Err(SubdomainError::Reserved), true) => {}
            (Err(SubdomainError::Length | SubdomainError::Characters), false) => {}
            (result, fits) => prop_assert!(false, "{result:?}, though the grammar says {fits}"),
        }
        Ok(())
    });
}
