//! What a profile's settings may be.

use std::path::PathBuf;

use crate::{failure::Failure, profile::address};

/// An address of the API.
pub fn url(text: &str) -> Result<String, String> {
    match address("", text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must begin with http:// or https://, and name a host".to_owned()),
    }
}

/// The name of a variable of the environment, if one is given for this flag. What is none is not shown: it may be the secret itself.
pub fn variable(flag: &str, given: Option<&String>) -> Result<Option<String>, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_one = |text: &&String| text.chars().all(plain) && text.starts_with(|c: char| !c.is_ascii_digit());
    if given.is_some() && given.filter(is_one).is_none() {
        let rule = "letters, digits and underscores, no digit at its beginning";
        return Err(Failure::Usage(format!("{flag} must be the name of a variable: {rule}.")));
    }
    Ok(given.cloned())
}

/// Something that can be seen.
pub fn word(text: &str) -> Result<String, String> {
    let is_one = !text.trim().is_empty() && !text.contains(char::is_control);
    if is_one { Ok(text.to_owned()) } else { Err("must be a word".to_owned()) }
}

/// The path of a file. Read when it is needed: a file that is not there yet may be by then.
pub fn a_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if text.is_empty() || path.is_dir() { Err("must be a file".to_owned()) } else { Ok(path) }
}
