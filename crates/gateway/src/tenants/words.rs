//! Short texts with a closed alphabet.

use common::tenant::compliance_tag;
use edge::Host;
use serde_json::Value;

use crate::http::fields::Fault;

/// A name for people: what they see in lists and mails.
pub fn name(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    // Control characters break logs and mails; the invisible ones make one name look like another.
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    match text.chars().count() {
        1..=120 if !text.chars().any(|c| c.is_control() || invisible(c)) => Ok(text.to_owned()),
        1..=120 => Err(Fault::new("invalid_characters", "may not hold control characters")),
        _ => Err(Fault::new("invalid_length", "must be 1 to 120 characters long")),
    }
}

/// Why somebody does something, for those who read the audit log.
pub fn reason(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    match text.chars().count() {
        1..=500 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        1..=500 => Err(Fault::new("invalid_characters", "may not hold control characters")),
        _ => Err(Fault::new("invalid_length", "must be 1 to 500 characters long")),
    }
}

/// A token's subject: what can be one, as `auth` takes it.
pub fn subject(text: &str) -> Result<String, Fault> {
    if is_subject(text) {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("invalid_subject", "must be 1 to 255 bytes without control characters"))
    }
}

/// Whether somebody can be called this: it becomes part of rows and log lines.
pub fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// What a plan or a cluster is called, as the description of the API says it.
pub const IDENTIFIER: &str = "^[a-z0-9_-]{1,40}$";

/// One of these, which are told otherwise.
pub fn one_of(code: &'static str, text: &str, known: &[&str]) -> Result<String, Fault> {
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        code,
        match known {
            [] => "there is none to choose yet".to_owned(),
            known => format!("must be one of: {}", known.join(", ")),
        },
    ))
}

/// A domain of the customer's own. Below ours it could take another tenant's address.
pub fn custom_domain(text: &str, ours: &str) -> Result<Host, Fault> {
    let lower = text.to_ascii_lowercase();
    let host: Host = lower.parse().map_err(|error| Fault::new("invalid_domain", error))?;
    let last_label = lower.rsplit('.').next().unwrap_or_default();
    if !lower.contains('.') || last_label.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::new("invalid_domain", "must be a full domain name, not an address"));
    }
    if lower == ours || lower.strip_suffix(ours).is_some_and(|rest| rest.ends_with('.')) {
        return Err(Fault::new("reserved_domain", "may not be a domain of the platform"));
    }
    Ok(host)
}

/// What the customer must comply with, such as `gdpr` or `HIPAA`; capitals mean the same.
pub fn compliance(value: Value) -> Result<Vec<String>, Fault> {
    const MAX_TAGS: usize = 16;
    let Value::Array(items) = value else {
        return Err(Fault::new("not_a_list", "must be a list of texts"));
    };
    if items.len() > MAX_TAGS {
        return Err(Fault::new("too_many", format!("may hold at most {MAX_TAGS} tags")));
    }
    let mut tags = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let fault = "must be 1 to 40 letters, digits, dots, hyphens and underscores";
        let tag = item.as_str().and_then(compliance_tag);
        let tag = tag.ok_or_else(|| Fault::new("invalid_tag", fault).inside(index))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// What [`compliance_tag`] takes, as the description of the API says it.
pub const TAG: &str = "^[A-Za-z0-9._-]{1,40}$";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_trimmed_and_may_be_in_any_script() {
        assert_eq!(name("  Müller & Söhne 株式会社 ").unwrap(), "Müller & Söhne 株式会社");
        for bad in ["", "   ", "a\nb", "a\0b", "a\u{202e}b", "a\u{200b}b", &"x".repeat(121)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name(&"ü".repeat(120)).is_ok());
    }

    #[test]
    fn a_custom_domain_is_a_full_name_outside_of_ours() {
        let check = |text: &str| custom_domain(text, "flows.example").map(|host| host.to_string());
        assert_eq!(check("Flows.Customer.COM").unwrap(), "flows.customer.com");
        assert!(check("myflows.example").is_ok());
        let bad = [
            "",
            "localhost",
            "flows.example",
            "x.flows.example",
            "10.0.0.1",
            "a.1",
            "a`b.com",
            "a b.com",
            "a.com\r\nx",
            "*.a.com",
            "a.com.",
            "http://a.com",
            "a.com:80",
            "ä.com",
        ];
        for text in bad {
            assert!(check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tags_are_short_words_in_small_letters_and_kept_once() {
        assert_eq!(compliance(json!(["gdpr", "HIPAA", "GDPR"])).unwrap(), ["gdpr", "hipaa"]);
        assert_eq!(compliance(json!(["ok", 7])).unwrap_err().steps, ["1"]);
        for bad in [json!("gdpr"), json!(["a b"]), json!([""]), json!(vec!["x"; 17]), json!({})] {
            assert!(compliance(bad.clone()).is_err(), "{bad}");
        }
    }
}
