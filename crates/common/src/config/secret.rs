//! Secrets among the configuration: each stands in one place.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    path::PathBuf,
};

use secrecy::{ExposeSecret, SecretString};

use super::Env;

/// The variable that names the backend. Without it, or as `env`, there is none.
pub(crate) const BACKEND: &str = "SECRETS_BACKEND";

/// Secrets, by the names that they have everywhere.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// The one of this name. An empty one is as good as none.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).filter(|secret| !secret.expose_secret().is_empty())
    }

    /// The names of those that are not the same in both.
    pub fn differing(&self, other: &Self) -> BTreeSet<String> {
        let text =
            |secrets: &Self, name: &str| secrets.get(name).map(|secret| secret.expose_secret().to_owned());
        let names = self.0.keys().chain(other.0.keys());
        names.filter(|name| text(self, name) != text(other, name)).cloned().collect()
    }

    /// Of all of them.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn note(&mut self, name: &str, secret: &SecretString) {
        self.0.insert(name.to_owned(), secret.clone());
    }
}

impl<K: Into<String>, V: Into<SecretString>> FromIterator<(K, V)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, secret)| (name.into(), secret.into())).collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What there is besides the environment.
#[derive(Clone)]
pub(super) enum Added {
    /// A backend that was not asked yet.
    Awaited,
    Known(Secrets),
}

impl Added {
    /// Of a process with this environment.
    pub fn beside(variables: &HashMap<String, String>) -> Self {
        match variables.get(BACKEND).map(String::as_str) {
            None | Some("" | "env") => Self::Known(Secrets::default()),
            Some(_) => Self::Awaited,
        }
    }
}

/// Where the environment says that a secret stands. A file is read anew each time.
#[derive(Debug, Clone)]
pub enum Given {
    Text(SecretString),
    File { name: String, path: PathBuf },
}

impl Given {
    /// The secret, or what is wrong.
    pub fn read(&self) -> Result<SecretString, String> {
        let (name, path) = match self {
            Self::Text(secret) => return Ok(secret.clone()),
            Self::File { name, path } => (name, path),
        };
        match std::fs::read_to_string(path) {
            // Editors and `echo` end a file with a line feed that is no part of the secret.
            Ok(text) if !text.trim_end().is_empty() => Ok(text.trim_end().to_owned().into()),
            Ok(_) => Err(format!("the file that {name}_FILE names is empty")),
            Err(e) => Err(format!("the file that {name}_FILE names cannot be read: {}", e.kind())),
        }
    }
}

impl Env {
    /// A secret that must be there: `NAME`, the file that `NAME_FILE` names, or what the backend has under that name.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        match self.optional_secret(name)? {
            Some(secret) => Some(secret),
            None if self.variable(BACKEND).is_none() => {
                self.problem(format!("neither {name} nor {name}_FILE is set"))
            }
            None => {
                self.problem(format!("neither {name} nor {name}_FILE is set, and the backend has no {name}"))
            }
        }
    }

    /// A secret that need not be there.
    pub fn optional_secret(&mut self, name: &str) -> Option<Option<SecretString>> {
        let given = self.given(name)?;
        let added = match &self.added {
            Added::Known(secrets) => secrets.get(name).cloned(),
            Added::Awaited if given.is_none() => {
                self.awaited.insert(name.to_owned());
                return None;
            }
            Added::Awaited => None,
        };
        let secret = match (given.map(|given| given.read()), added) {
            (None, None) => return Some(None),
            (Some(Ok(secret)), None) | (None, Some(secret)) => secret,
            (Some(Err(problem)), None) => return self.problem(problem),
            // Whoever changes one of them believes that it counts.
            (Some(_), Some(_)) => {
                return self.problem(format!("{name} is in the environment and in the backend too"));
            }
        };
        self.read.note(name, &secret);
        Some(Some(secret))
    }

    /// Where the environment says that a secret stands; the backend is not looked at. For what the backend itself is entered with.
    pub fn given(&mut self, name: &str) -> Option<Option<Given>> {
        let direct = self.variable(name);
        let file = self.variables.get(&format!("{name}_FILE")).filter(|value| !value.is_empty()).cloned();
        match (direct, file) {
            (Some(_), Some(_)) => self.problem(format!("{name} and {name}_FILE are both set")),
            (Some(value), None) => Some(Some(Given::Text(value.into()))),
            (None, Some(path)) => Some(Some(Given::File { name: name.to_owned(), path: path.into() })),
            (None, None) => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Section;

    #[derive(Debug)]
    struct Sample {
        key: SecretString,
        other: Option<SecretString>,
    }

    impl Section for Sample {
        fn read(env: &mut Env) -> Option<Self> {
            let (key, other, _) = (env.secret("KEY"), env.optional_secret("OTHER"), env.or("PORT", 80));
            Some(Self { key: key?, other: other? })
        }
    }

    const OUTSIDE: [(&str, &str); 1] = [("SECRETS_BACKEND", "vault")];

    #[test]
    fn secrets_of_a_backend_are_found_under_their_names() {
        let known = Secrets::from_iter([("KEY", "s3cret"), ("OTHER", ""), ("UNRELATED", "x")]);
        let (sample, read) = Env::of(OUTSIDE).with(known).load_with_secrets::<Sample>().unwrap();
        assert_eq!((sample.key.expose_secret(), sample.other.is_none()), ("s3cret", true));
        assert_eq!(format!("{read:?}"), r#"{"KEY"}"#);
        let error = Env::of(OUTSIDE).with(Secrets::default()).load::<Sample>().unwrap_err();
        assert!(error.to_string().contains("the backend has no KEY"), "{error}");
    }

    #[test]
    fn before_a_backend_was_asked_all_other_problems_are_known() {
        let env = |port| Env::of(OUTSIDE.into_iter().chain([("PORT", port)]));
        assert!(env("80").check_before_backend::<Sample>().is_ok());
        let error = env("x").check_before_backend::<Sample>().unwrap_err().to_string();
        assert!(error.contains("PORT") && !error.contains("KEY"), "{error}");
        let error = env("80").load::<Sample>().unwrap_err().to_string();
        assert!(error.contains("KEY is in a backend that was not asked"), "{error}");
    }

    #[test]
    fn a_secret_in_two_places_is_a_problem() {
        let env = Env::of(OUTSIDE.into_iter().chain([("KEY", "one")]));
        let error = env.with([("KEY", "hunter2")].into_iter().collect()).load::<Sample>().unwrap_err();
        assert!(error.to_string().contains("KEY is in the environment and in the backend"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn what_differs_is_told_by_name() {
        let before = Secrets::from_iter([("SAME", "1"), ("CHANGED", "1"), ("GONE", "1"), ("EMPTY", "")]);
        let after = Secrets::from_iter([("SAME", "1"), ("CHANGED", "2"), ("NEW", "1")]);
        let names: Vec<_> = after.differing(&before).into_iter().collect();
        assert_eq!(names, ["CHANGED", "GONE", "NEW"]);
    }
}
