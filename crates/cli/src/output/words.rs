//! JSON's values in people's words.

use serde_json::Value;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// What is shown for what is not there.
const NOTHING: &str = "-";

/// A value as a word.
pub fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => NOTHING.to_owned(),
        Some(Value::String(text)) if text.is_empty() => NOTHING.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(entries)) => joined(entries),
        Some(Value::Number(number)) => shorter(&number.to_string()).to_owned(),
        Some(other @ (Value::Bool(_) | Value::Object(_))) => other.to_string(),
    }
}

/// Entries with commas between them.
pub fn joined(entries: &[Value]) -> String {
    let words: Vec<_> = entries.iter().map(|entry| plain(Some(entry))).collect();
    if words.is_empty() { NOTHING.to_owned() } else { words.join(", ") }
}

/// A moment, to the second, in UTC: the same for everybody who speaks about it.
pub fn at(value: Option<&Value>) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let moment = value.and_then(Value::as_str).and_then(parsed);
    moment.and_then(|moment| moment.format(&format).ok()).unwrap_or_else(|| plain(value))
}

/// How long something took, between two moments.
pub fn lasted(from: Option<&str>, to: Option<&str>) -> Option<String> {
    let took: Duration = parsed(to?)? - parsed(from?)?;
    let seconds = took.as_seconds_f64().max(0.0);
    Some(if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let (minutes, rest) = (took.whole_minutes(), took.whole_seconds() % 60);
        format!("{minutes} min {rest} s")
    })
}

/// Yes, or nothing.
pub fn yes(value: Option<&Value>) -> String {
    if value.and_then(Value::as_bool).unwrap_or_default() { "yes".to_owned() } else { NOTHING.to_owned() }
}

fn parsed(text: &str) -> Option<OffsetDateTime> {
    Some(OffsetDateTime::parse(text, &Rfc3339).ok()?.to_offset(time::UtcOffset::UTC))
}

/// `2.0` cores are 2.
fn shorter(number: &str) -> &str {
    number.strip_suffix(".0").unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_in_a_word() {
        for (value, expected) in [
            (json!("acme"), "acme"),
            (json!(2.0), "2"),
            (json!(0.5), "0.5"),
            (json!(null), "-"),
            (json!(""), "-"),
            (json!([]), "-"),
            (json!(["gdpr", "hipaa"]), "gdpr, hipaa"),
            (json!(true), "true"),
        ] {
            assert_eq!(plain(Some(&value)), expected);
        }
        assert_eq!(plain(None), "-");
    }

    #[test]
    fn moments_are_told_in_utc_and_to_the_second() {
        assert_eq!(at(Some(&json!("2026-08-01T14:00:00.123456+02:00"))), "2026-08-01 12:00:00Z");
        assert_eq!(at(Some(&json!("soon"))), "soon");
        assert_eq!(at(None), "-");
    }

    #[test]
    fn durations_are_told_by_their_size() {
        let lasted = |to| lasted(Some("2026-08-01T12:00:00Z"), Some(to));
        assert_eq!(lasted("2026-08-01T12:00:00.2Z").unwrap(), "0.2 s");
        assert_eq!(lasted("2026-08-01T12:02:05.9Z").unwrap(), "2 min 5 s");
        assert_eq!(lasted("never"), None);
    }
}
