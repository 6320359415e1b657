//! What of an error's causes may be stored and shown to those who run the platform.
//!
//! No error of ours quotes a secret; those of servers and clients, which quote what they were given, are not ours.

mod announced;

/// Longer than any chain of causes that says something.
const LONGEST: usize = 2000;

/// Which beginnings of a word give a secret away, and how much of the word is blotted out: from there on.
const MARKS: [&str; 5] = ["SCRAM-SHA-256$", "Bearer", "eyJ", "$2a$", "$2b$"];

/// So many hexadecimal digits in a row are a key or a digest.
const KEY_DIGITS: usize = 40;

/// The text without what looks like a secret, and not without end.
pub fn scrub(text: &str) -> String {
    let untold = announced::blot_out(&writable(text));
    let words = untold.split_inclusive(char::is_whitespace);
    let mut scrubbed: String = words.map(scrub_spaced).collect();
    scrubbed.truncate(scrubbed.floor_char_boundary(LONGEST));
    scrubbed
}

/// What Postgres can hold of a text: all but NUL, which it refuses for good, wherever it is to be written.
pub fn writable(text: &str) -> String {
    text.replace('\0', "")
}

/// A word with the white space that ends it.
fn scrub_spaced(spaced: &str) -> String {
    let word = spaced.trim_end();
    scrub_word(word) + spaced.strip_prefix(word).unwrap_or_default()
}

fn scrub_word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((_, host)) = rest.rsplit_once('@')
    {
        return format!("{scheme}://[secret]@{host}");
    }
    if let Some(at) = MARKS.iter().filter_map(|mark| word.find(mark)).min() {
        return format!("{}[secret]", word.get(..at).unwrap_or_default());
    }
    let keys = word.split(|c: char| !c.is_ascii_hexdigit()).filter(|digits| digits.len() >= KEY_DIGITS);
    keys.fold(word.to_owned(), |word, key| word.replace(key, "[secret]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_blotted_out_and_the_rest_is_not() {
        let digest = "ab12".repeat(16);
        for (text, scrubbed) in [
            ("connect: connection refused (os error 111)", "connect: connection refused (os error 111)"),
            (
                "at postgres://rp9:s3cret@10.0.0.7:5432/rp9 now",
                "at postgres://[secret]@10.0.0.7:5432/rp9 now",
            ),
            ("redis://:p@ss@host", "redis://[secret]@host"),
            ("near \"'SCRAM-SHA-256$4096:abc\"", "near \"'[secret]"),
            ("ALTER ROLE x PASSWORD 'abc' LOGIN", "ALTER ROLE x PASSWORD [secret] LOGIN"),
            ("password=abc user=rp9", "password=[secret] user=rp9"),
            ("authorization: Bearer abc.def", "authorization: [secret] [secret]"),
            (
                "password authentication failed for user \"ten_1\"",
                "password [secret] failed for user \"ten_1\"",
            ),
            ("hash $2b$10$abc", "hash [secret]"),
            (r#"{"password":"x y", "name":"acme"}"#, r#"{"password":[secret], "name":"acme"}"#),
            (r#"{"encryption_key": "x", "Token" : 7}"#, r#"{"encryption_key": [secret], "Token" : [secret]"#),
            (r#"a text "{\"secret\":\"x y\",\"a\":1}""#, r#"a text "{\"secret\":[secret],\"a\":1}""#),
            ("FATAL\nPassword: x\r\nnext line", "FATAL\nPassword: [secret]\r\nnext line"),
            ("ALTER ROLE x PASSWORD 'a b''c' LOGIN", "ALTER ROLE x PASSWORD [secret] LOGIN"),
            ("ALTER ROLE x PASSWORD 'cut off in the", "ALTER ROLE x PASSWORD [secret]"),
            ("token: Bearer abc.def", "token: [secret] [secret]"),
            ("at\thttp://u:p@host/?token=abc\tnow", "at\thttp://[secret]@host/?token=[secret]\tnow"),
            ("violates the foreign key: x", "violates the foreign key: x"),
            ("the password", "the password"),
            ("a\0b", "ab"),
        ] {
            assert_eq!(scrub(text), scrubbed, "{text}");
        }
        assert_eq!(scrub(&format!("modifier '#{digest}': no")), "modifier '#[secret]': no");
        assert_eq!(scrub("ten_0198c0de0000700080000000000000aa"), "ten_0198c0de0000700080000000000000aa");
        assert_eq!(scrub(&"ü".repeat(LONGEST)).len(), LONGEST);
    }
}
