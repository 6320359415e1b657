//! Secrets come from files or from the environment, never from the command line, which everybody on a machine can read.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{environment::Environment, failure::Failure, output::Notes};

const OTHERS_READ: u32 = 0o044;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Variable(String),
    File(PathBuf),
}

impl Source {
    /// A variable, or the file that its name with `_FILE` names.
    pub fn named(name: &str, environment: &Environment) -> Option<Self> {
        if environment.get(name).is_some() {
            return Some(Self::Variable(name.to_owned()));
        }
        environment.get(&format!("{name}_FILE")).map(|path| Self::File(path.into()))
    }

    /// What a profile says; files are looked for beside the configuration.
    pub fn of_profile(variable: Option<&String>, file: Option<&PathBuf>, beside: &Path) -> Option<Self> {
        let file = file.map(|file| Self::File(beside.parent().unwrap_or(Path::new("")).join(file)));
        variable.cloned().map(Self::Variable).or(file)
    }

    /// The secret.
    pub fn read(&self, environment: &Environment, notes: &Notes) -> Result<SecretString, Failure> {
        let (secret, from) = match self {
            Self::Variable(name) => (environment.get(name).unwrap_or_default().to_owned(), name.clone()),
            Self::File(path) => (read_file(path, notes)?, path.display().to_string()),
        };
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(Failure::Usage(format!(
                "The profile wants a secret from {from}, and there is none."
            )));
        }
        Ok(secret.to_owned().into())
    }
}

fn read_file(path: &Path, notes: &Notes) -> Result<String, Failure> {
    let shown = path.display();
    let cannot = |error| Failure::Usage(format!("The secret in {shown} cannot be read: {error}"));
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & OTHERS_READ != 0 {
        notes.warn(&format!("others on this machine can read {shown}: chmod 600 {shown}"));
    }
    fs::read_to_string(path).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const NOTES: Notes = Notes { quiet: true, verbose: false, coloured: false };

    #[test]
    fn a_variable_wins_over_the_file_that_another_names() {
        let environment =
            Environment::from([("RP9_TOKEN", "a"), ("RP9_TOKEN_FILE", "/b"), ("RP9_X_FILE", "/c")]);
        assert_eq!(Source::named("RP9_TOKEN", &environment), Some(Source::Variable("RP9_TOKEN".into())));
        assert_eq!(Source::named("RP9_X", &environment), Some(Source::File("/c".into())));
        assert_eq!(Source::named("RP9_Y", &environment), None);
    }

    #[test]
    fn files_are_beside_the_configuration_and_end_without_a_line_feed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "s3cret\n").unwrap();
        let source =
            Source::of_profile(None, Some(&"key".into()), &folder.path().join("config.toml")).unwrap();
        let secret = source.read(&Environment::default(), &NOTES).unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");
    }

    #[test]
    fn a_secret_that_is_not_there_is_told_with_its_place() {
        for source in [Source::Variable("RP9_PROD".into()), Source::File("/nowhere/key".into())] {
            let failure = source.read(&Environment::default(), &NOTES).unwrap_err();
            let told = failure.lines().concat();
            assert!(told.contains("RP9_PROD") || told.contains("/nowhere/key"), "{told}");
        }
    }
}
