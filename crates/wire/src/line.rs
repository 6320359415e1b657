//! Texts that people read in one line.

/// Whether a character does something to the text beside it: ends its line, or turns it around, so that people read something else than what
/// stands there (Unicode Technical Report 36, 2.10).
pub fn disturbs(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_line_or_turns_it_around_disturbs_and_letters_of_all_scripts_do_not() {
        for character in ['\0', '\n', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}'] {
            assert!(disturbs(character), "{character:?}");
        }
        assert!(!"Käse, 奶酪, גבינה, جبن, 👨\u{200d}👩\u{200d}👧".chars().any(disturbs));
    }
}
