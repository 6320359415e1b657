//! JSON's values in people's words.

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

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
    Some(span((parsed(to?)? - parsed(from?)?).as_seconds_f64()))
}

/// So many seconds, by their size.
pub fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{:.1} s", seconds.max(0.0)),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// The same of a figure.
pub fn seconds(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map_or_else(|| plain(value), span)
}

/// A number that was measured, as far as anybody looks at its decimals.
pub fn figure(value: Option<&Value>) -> String {
    match value.and_then(Value::as_f64) {
        Some(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Some(number) if number.abs() < 10.0 => format!("{number:.2}"),
        Some(number) => format!("{number:.1}"),
        None => plain(value),
    }
}

/// So many bytes, in the units in which plans tell memory: of 1024 each.
pub fn bytes(value: Option<&Value>) -> String {
    const MEGA: f64 = (1 << 20) as f64;
    match value.and_then(Value::as_f64) {
        Some(bytes) if bytes >= 1024.0 * MEGA => format!("{:.2} GB", bytes / MEGA / 1024.0),
        Some(bytes) => format!("{:.1} MB", bytes / MEGA),
        None => plain(value),
    }
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
        assert_eq!(lasted("2026-08-01T15:12:59Z").unwrap(), "3 h 12 min");
        assert_eq!(lasted("never"), None);
    }

    #[test]
    fn what_was_measured_has_the_decimals_that_somebody_reads() {
        for (value, expected) in [
            (json!(6.2), "6.20"),
            (json!(0.004), "0.00"),
            (json!(12.0), "12"),
            (json!(75.36), "75.4"),
            (json!(null), "-"),
        ] {
            assert_eq!(figure(Some(&value)), expected);
        }
        assert_eq!(bytes(Some(&json!(367_001_600))), "350.0 MB");
        assert_eq!(bytes(Some(&json!(1_610_612_736))), "1.50 GB");
        assert_eq!(bytes(None), "-");
    }
}
