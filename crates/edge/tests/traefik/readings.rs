//! All that a path could be taken for by whoever reads it next, whatever it decodes and whatever it takes for the end of a word.

/// The words of the path, in each of these ways.
pub fn readings(path: &str) -> Vec<Vec<String>> {
    let path = path.split('?').next().unwrap();
    let mut found = Vec::new();
    let mut decoded = path.to_owned();
    for _ in 0..4 {
        for ways in 0..8 {
            found.push(words(&decoded, ways & 1 > 0, ways & 2 > 0, ways & 4 > 0));
        }
        decoded = decode(&decoded);
    }
    found
}

/// `slashes`: a backslash is one too; `ends`: a semicolon ends a word; `dots`: two of them are a step back.
fn words(path: &str, slashes: bool, ends: bool, dots: bool) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in path.split(|letter| letter == '/' || (slashes && letter == '\\')) {
        let word = if ends { word.split(';').next().unwrap() } else { word };
        match word {
            "" => {}
            "." if dots => {}
            ".." if dots => drop(words.pop()),
            word => words.push(word.to_owned()),
        }
    }
    words
}

/// Once, as far as it can be decoded.
fn decode(path: &str) -> String {
    let (bytes, mut decoded, mut at) = (path.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| bytes[at] == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[test]
fn a_path_is_read_as_everything_that_somebody_could_take_it_for() {
    for path in [
        "/webhook/B/x",
        "//webhook//B/x",
        "/webhook%2fB/x",
        "/%77ebhook/B/x",
        "/%2577ebhook/B/x",
        "/webhook/A/../B/x",
        "/webhook/A/%252e%252e%252fB/x",
        "/webhook\\B/x",
        "/webhook;a/B/x",
        "/x/..;/webhook/B/x",
    ] {
        assert!(readings(path).iter().any(|words| *words == ["webhook", "B", "x"]), "{path}");
    }
    assert!(!readings("/webhook/A/B/x").iter().any(|words| words[1] == "B"));
}
