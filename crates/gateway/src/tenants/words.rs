//! Short texts with a closed alphabet.

use common::{
    operations::OperationKind,
    role::Role,
    tenant::{Color, Mode, Subdomain, SubdomainError, TenantStatus},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use wire::{LoggedRole, disturbs, kinds};

use crate::http::fields::{Fault, Text, texts};

texts! {
    /// A name for people: what they see in lists and mails. Without spaces around it.
    Name;
    /// Why somebody does something, for those who read the audit log. Without spaces around it.
    Reason;
    /// A token's subject: what can be one, as `auth` takes it.
    Subject;
}

const LONGEST_NAME: usize = 120;
const LONGEST_REASON: usize = 500;

impl Text for Name {
    fn parse(text: &str) -> Result<Self, Fault> {
        // What disturbs a line breaks logs and mails; what is invisible makes one name look like another.
        let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        line(text, LONGEST_NAME, |c| disturbs(c) || invisible(c)).map(Self)
    }

    fn schema() -> Value {
        line_schema(LONGEST_NAME)
    }
}

impl Text for Reason {
    fn parse(text: &str) -> Result<Self, Fault> {
        line(text, LONGEST_REASON, disturbs).map(Self)
    }

    fn schema() -> Value {
        line_schema(LONGEST_REASON)
    }
}

/// A text of one line, without spaces around it.
fn line(text: &str, most: usize, unwanted: impl Fn(char) -> bool) -> Result<String, Fault> {
    let text = text.trim();
    if !(1..=most).contains(&text.chars().count()) {
        return Err(Fault::new("invalid_length", format!("must be 1 to {most} characters long")));
    }
    if text.chars().any(unwanted) {
        return Err(Fault::new(
            "invalid_characters",
            "may not hold characters that end a line or turn it around",
        ));
    }
    Ok(text.to_owned())
}

/// Spaces alone are nothing.
fn line_schema(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": "\\S" })
}

impl Text for Subject {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || {
            Fault::new(
                "invalid_subject",
                "must be 1 to 255 bytes without characters that end a line or turn it around",
            )
        };
        is_subject(text).then(|| Self(text.to_owned())).ok_or_else(fault)
    }

    fn schema() -> Value {
        let printable = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
        json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": printable })
    }
}

/// Whether somebody can be called this: it becomes part of rows and log lines.
pub fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(disturbs)
}

impl Text for Subdomain {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| {
            let code = match error {
                SubdomainError::Length => "invalid_length",
                SubdomainError::Characters => "invalid_characters",
                SubdomainError::Reserved => "reserved_subdomain",
            };
            Fault::new(code, error)
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "minLength": 3, "maxLength": 40, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" })
    }
}

/// Any moment that the record can hold.
impl Text for OffsetDateTime {
    fn parse(text: &str) -> Result<Self, Fault> {
        wire::moment(text)
            .ok_or_else(|| Fault::new("invalid_time", "must be a time such as 2026-08-01T12:00:00Z"))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

/// Words of closed sets: what reads them, and what they are.
macro_rules! words {
    ($($type:ty, $code:literal, $words:expr;)+) => {$(
        impl Text for $type {
            fn parse(text: &str) -> Result<Self, Fault> {
                text.parse().map_err(|error| Fault::new($code, error))
            }

            fn schema() -> Value {
                json!({ "type": "string", "enum": $words })
            }
        }
    )+};
}

words! {
    Mode, "unknown_mode", Mode::ALL;
    TenantStatus, "unknown_status", TenantStatus::ALL;
    Role, "unknown_role", Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>();
    Color, "unknown_color", Color::ALL;
    LoggedRole, "unknown_role", LoggedRole::ALL.map(|(_, word)| word);
}

impl Text for &'static OperationKind {
    fn parse(text: &str) -> Result<Self, Fault> {
        let unknown =
            || Fault::new("unknown_kind", format!("`{text}` is not a kind of operation known here"));
        kinds::of_word(text).ok_or_else(unknown)
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": kinds::ALL.map(OperationKind::as_str) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_may_be_in_any_script() {
        assert_eq!(Name::parse("  Müller & Söhne 株式会社 ").unwrap().as_str(), "Müller & Söhne 株式会社");
        for bad in ["", "   ", "a\nb", "a\0b", "a\u{202e}b", "a\u{200b}b", &"x".repeat(121)] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Name::parse(&"ü".repeat(120)).is_ok());
    }

    #[test]
    fn every_moment_that_has_a_name_in_utc_is_a_moment() {
        for good in ["2026-08-01T12:00:00Z", "0370-10-13T03:53:16+21:01", "0000-01-01T00:00:00+23:59"] {
            let moment = <OffsetDateTime as Text>::parse(good);
            assert!(moment.is_ok_and(|moment| moment.offset().is_utc()), "{good}");
        }
        for bad in [
            "9999-12-31T23:59:59-00:01",
            "2026-08-01",
            "2026-08-01T12:00:00",
            "2026-08-01_12:00:00Z",
            "yesterday",
            "",
        ] {
            let fault = <OffsetDateTime as Text>::parse(bad).map_err(|fault| fault.code);
            assert_eq!(fault, Err("invalid_time"), "{bad}");
        }
    }
}
