//! Who sends a message, as its subject says.
//!
//! A server of the bus tells nobody which user a message came from, but lets each user publish under certain subjects only. So the name
//! of the user is the last token of the subject, and each may publish under its own (ADR 27).

/// Who sends where the server asks nobody who they are.
pub(super) const ANYBODY: &str = "anybody";

/// Whether a user's name can stand in a subject.
pub(super) fn is_token(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=50).contains(&name.len()) && name.bytes().all(plain)
}

/// The subject that a sender of this name publishes under.
pub(super) fn under(subject: String, sender: &str, names_sender: bool) -> String {
    if names_sender { format!("{subject}.{sender}") } else { subject }
}

/// A subject without its sender, and its sender, if one stands at this place and nothing behind it.
pub(super) fn split(subject: &str, at: Option<usize>) -> (&str, Option<&str>) {
    let dot = at.and_then(|at| subject.match_indices('.').nth(at.checked_sub(1)?)).map(|(dot, _)| dot);
    let named = dot.and_then(|dot| Some((subject.get(..dot)?, subject.get(dot + 1..)?)));
    match named {
        Some((rest, sender)) if is_token(sender) => (rest, Some(sender)),
        Some(_) | None => (subject, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_comes_back() {
        let subject = under("a.b.c".into(), "gateway", true);
        assert_eq!(
            (subject.as_str(), split(&subject, Some(3))),
            ("a.b.c.gateway", ("a.b.c", Some("gateway")))
        );
        let subject = under("a.b.c".into(), "gateway", false);
        assert_eq!(split(&subject, Some(3)), ("a.b.c", None));
        assert_eq!(split(&subject, None), ("a.b.c", None));
    }

    #[test]
    fn nothing_else_passes_for_a_sender() {
        for subject in ["a.b.c.", "a.b.c.d.e", "a.b.c.D", "a.b.c.*", "a.b", ""] {
            assert_eq!(split(subject, Some(3)), (subject, None), "{subject}");
        }
        assert!(is_token(ANYBODY));
        for name in ["", "a.b", "a b", "*", ">", "Gateway", &"x".repeat(51)] {
            assert!(!is_token(name), "{name}");
        }
    }
}
