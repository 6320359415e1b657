//! Secrets with a name before them: `password=x`, `"api_key": "x y"`, `PASSWORD 'x'`, `Bearer x`.

/// Names that announce one even without a sign between.
const PLAIN: [&str; 3] = ["bearer", "password", "secret"];

/// Ends of names that announce one with `=` or `:` after them. What ends like the last is so common that `:` counts after a longer name only.
const ENDS: [&str; 4] = ["password", "secret", "token", "key"];

/// The text with each of them blotted out, its quotes included.
pub(super) fn blot_out(text: &str) -> String {
    let (mut told, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(is_of_a_name) {
        let (before, from) = rest.split_at(start);
        let (name, after) = from.split_at(from.find(|c| !is_of_a_name(c)).unwrap_or(from.len()));
        told.extend([before, name]);
        rest = after;
        if let Some((gap, secret)) = announced(name, after) {
            told.extend([gap, "[secret]"]);
            rest = after.get(gap.len() + secret.len()..).unwrap_or_default();
        }
    }
    told + rest
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// What stands between this name and the secret that it announces, and the secret.
fn announced<'a>(name: &str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let name = name.to_lowercase();
    // The end of the name's own quotes.
    let unquoted = after.trim_start_matches(['\\', '"', '\'']);
    let sign = unquoted.trim_start().chars().next().filter(|c| matches!(c, '=' | ':'));
    let (is_told, from) = match sign {
        Some(sign) => {
            let end = ENDS.iter().find(|end| name.ends_with(**end));
            let told = end.is_some_and(|end| sign == '=' || *end != "key" || name.len() > end.len());
            (told, unquoted.trim_start().get(1..).unwrap_or_default().trim_start())
        }
        None => {
            (PLAIN.contains(&name.as_str()) && after.starts_with(char::is_whitespace), after.trim_start())
        }
    };
    let secret = value(from);
    // A scheme, which announces the secret itself.
    if !is_told || secret.is_empty() || secret.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some((after.strip_suffix(from)?, secret))
}

/// In quotes to their end, if there is one; otherwise to the next white space.
fn value(text: &str) -> &str {
    let unescaped = text.trim_start_matches('\\');
    let Some(quote) = unescaped.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return text.split(char::is_whitespace).next().unwrap_or_default();
    };
    let opening = text.len() - unescaped.len() + 1;
    let (quotes, inner) = text.split_at(opening);
    let mut at = 0;
    while let Some(found) = inner.get(at..).and_then(|left| left.find(quotes)) {
        let end = at + found + opening;
        let doubled = quote == '\'' && inner.get(end..).is_some_and(|left| left.starts_with(quote));
        let escaped = opening == 1 && inner.get(..at + found).is_some_and(|before| before.ends_with('\\'));
        if !doubled && !escaped {
            return text.get(..opening + end).unwrap_or(text);
        }
        at = end + usize::from(doubled);
    }
    text
}
