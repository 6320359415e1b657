//! Configuration: read once at start, from the environment, with every problem reported together.
//!
//! A secret `NAME` may be given as `NAME_FILE=/path` instead, so that it is neither in a process's environment
//! nor in what a container engine tells about it, or stand in a backend ([`crate::secrets::Backend`]). A missing variable is a
//! problem, never a made-up value.

mod secret;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    str::FromStr,
};

use secret::Added;

pub use secret::{Given, Secrets};

/// What is wrong with the environment: one line for each problem.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s): {}", self.problems.len(), self.problems.join("; "))
    }
}

/// A part of the configuration that knows how to read itself.
pub trait Section: Sized {
    /// Reads this section; problems go into `env`, and `None` means there was at least one.
    fn read(env: &mut Env) -> Option<Self>;
}

/// Variables to read from, and the problems met so far.
#[derive(Clone)]
pub struct Env {
    variables: HashMap<String, String>,
    /// What the secrets' backend has besides.
    added: Added,
    problems: Vec<String>,
    asked: BTreeSet<String>,
    /// The secrets that were read, wherever they stand.
    read: Secrets,
    /// Those that can only be in the backend, which was not asked yet.
    awaited: BTreeSet<String>,
}

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::of(std::env::vars())
    }

    /// An environment made of these pairs.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables: HashMap<_, _> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self {
            added: Added::beside(&variables),
            variables,
            problems: Vec::new(),
            asked: BTreeSet::new(),
            read: Secrets::default(),
            awaited: BTreeSet::new(),
        }
    }

    /// The same with what the secrets' backend has.
    pub fn with(self, secrets: Secrets) -> Self {
        Self { added: Added::Known(secrets), ..self }
    }

    /// Reads a whole configuration, or says everything that is wrong with it.
    pub fn load<T: Section>(self) -> Result<T, ConfigError> {
        self.load_with_secrets().map(|(value, _)| value)
    }

    /// The same, with the secrets that were read for it, by name.
    pub fn load_with_secrets<T: Section>(mut self) -> Result<(T, Secrets), ConfigError> {
        match T::read(&mut self) {
            Some(value) if self.problems.is_empty() => Ok((value, self.read)),
            _ => {
                self.problems.extend(
                    self.awaited.iter().map(|name| format!("{name} is in a backend that was not asked")),
                );
                Err(ConfigError { problems: self.problems })
            }
        }
    }

    /// Says everything that is wrong, as far as that can be known before the secrets' backend was asked.
    pub fn check_before_backend<T: Section>(mut self) -> Result<(), ConfigError> {
        T::read(&mut self);
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError { problems: self.problems }) }
    }

    /// The names of all that was asked for so far; a secret's without `_FILE`.
    pub fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    /// What stands there. An empty one is as good as none.
    fn variable(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable that must be there.
    pub fn required<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        match self.variable(name) {
            Some(value) => self.parse(name, &value),
            None => self.problem(format!("{name} is not set")),
        }
    }

    /// A variable with a default.
    pub fn or<T: FromStr<Err: fmt::Display>>(&mut self, name: &str, default: T) -> Option<T> {
        match self.variable(name) {
            Some(value) => self.parse(name, &value),
            None => Some(default),
        }
    }

    /// A variable that need not be there.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<Option<T>> {
        match self.variable(name) {
            Some(value) => self.parse(name, &value).map(Some),
            None => Some(None),
        }
    }

    /// A switch: `on` or `off`.
    pub fn switch(&mut self, name: &str, default: bool) -> Option<bool> {
        match self.variable(name).as_deref() {
            None => Some(default),
            Some("on" | "true" | "1") => Some(true),
            Some("off" | "false" | "0") => Some(false),
            Some(_) => self.problem(format!("{name} must be `on` or `off`")),
        }
    }

    /// Notes a problem that a section found itself.
    pub fn problem<T>(&mut self, text: String) -> Option<T> {
        self.problems.push(text);
        None
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&mut self, name: &str, value: &str) -> Option<T> {
        match value.parse() {
            Ok(value) => Some(value),
            // The value is not repeated: it may be a secret put under the wrong name.
            Err(e) => self.problem(format!("{name} is not valid: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::{ExposeSecret, SecretString};

    #[derive(Debug)]
    struct Sample {
        port: u16,
        key: SecretString,
        strict: bool,
    }

    impl Section for Sample {
        fn read(env: &mut Env) -> Option<Self> {
            let (port, key, strict) = (env.or("PORT", 80), env.secret("KEY"), env.switch("STRICT", true));
            Some(Self { port: port?, key: key?, strict: strict? })
        }
    }

    #[test]
    fn every_problem_is_reported_at_once_and_no_value_with_them() {
        let error = Env::of([("PORT", "hunter2"), ("STRICT", "perhaps")]).load::<Sample>().unwrap_err();
        let text = error.to_string();
        for part in ["3 problem(s)", "PORT", "KEY_FILE", "STRICT"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_secret_may_come_from_a_file_and_loses_its_line_feed() {
        let path = std::env::temp_dir().join(format!("rp9-config-{}", uuid::Uuid::now_v7()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let sample = Env::of([("KEY_FILE", path.to_str().unwrap())]).load::<Sample>().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((sample.port, sample.key.expose_secret(), sample.strict), (80, "s3cret", true));
    }

    #[test]
    fn a_secret_given_twice_is_a_problem() {
        let error = Env::of([("KEY", "a"), ("KEY_FILE", "/b")]).load::<Sample>().unwrap_err();
        assert!(error.to_string().contains("both set"));
    }
}
