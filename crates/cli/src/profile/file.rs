//! The configuration file: `$RP9_CONFIG`, or `rp9/config.toml` where configuration is kept. It names secrets' places and holds none.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::{environment::Environment, failure::Failure};

/// Only its owner may write it, and has no reason to show it.
const MODE: u32 = 0o600;
const OTHERS_WRITE: u32 = 0o022;

/// The file, as it is and as it is understood.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    document: DocumentMut,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// Where, and as whom. Of each secret its file or the variable that holds it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub url: String,
    pub role: Option<Role>,
    pub subject: Option<String>,
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
    pub jwt_secret_file: Option<PathBuf>,
    pub jwt_secret_env: Option<String>,
    pub jwt_kid: Option<String>,
    pub token_file: Option<PathBuf>,
    pub token_env: Option<String>,
    pub hmac_secret_file: Option<PathBuf>,
    pub hmac_secret_env: Option<String>,
}

/// What tokens that rp9 makes itself may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Also what only a person decides: resuming and abandoning what is stuck
    Admin,
    /// Everyday work
    Operator,
    /// What our own programs may
    Service,
}

impl Role {
    /// As tokens say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }
}

/// The other way to name the same secret.
fn twin(key: &str) -> Option<String> {
    let file = key.strip_suffix("_file").map(|secret| format!("{secret}_env"));
    file.or_else(|| key.strip_suffix("_env").map(|secret| format!("{secret}_file")))
}

impl File {
    /// Reads it; one that is not there is empty.
    pub fn open(environment: &Environment) -> Result<Self, Failure> {
        let path = path(environment)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => {
                refuse_what_others_write(&path)?;
                text
            }
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::local(path.display().to_string())(error)),
        };
        let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("{}: {error}", path.display()));
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| wrong(&error))?;
        let content = toml_edit::de::from_document(document.clone()).map_err(|error| wrong(&error))?;
        Ok(Self { path, document, content })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The profile that is meant when nobody says which.
    pub fn current(&self) -> Option<&str> {
        self.content.current.as_deref()
    }

    /// Every profile by its name.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.content.profiles.iter().map(|(name, profile)| (name.as_str(), profile))
    }

    /// One of them.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.content.profiles.get(name)
    }

    /// Makes it the current one.
    pub fn make_current(&mut self, name: &str) {
        self.document["current"] = value(name);
    }

    /// Sets what is given of a profile, and leaves the rest, comments too, as it is. A secret that was named in another way is not any more:
    /// a profile that names one twice would contradict itself.
    pub fn set(&mut self, name: &str, settings: &[(&str, String)]) {
        let profiles = self.document.entry("profiles").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        if profiles.get(name).is_none() {
            profiles[name] = Item::Table(Table::new());
        }
        for (key, setting) in settings {
            profiles[name][key] = value(setting);
        }
        for (key, _) in settings {
            if let Some(twin) = twin(key) {
                self.unset(name, &twin);
            }
        }
        if self.content.profiles.is_empty() {
            self.make_current(name);
        }
    }

    /// Takes one setting away.
    pub fn unset(&mut self, name: &str, key: &str) {
        let profile = self.document.get_mut("profiles").and_then(|profiles| profiles.get_mut(name));
        if let Some(profile) = profile.and_then(Item::as_table_like_mut) {
            profile.remove(key);
        }
    }

    /// Forgets one; nothing is current any more if it was.
    pub fn remove(&mut self, name: &str) {
        if let Some(profiles) = self.document.get_mut("profiles").and_then(Item::as_table_like_mut) {
            profiles.remove(name);
        }
        if self.content.current.as_deref() == Some(name) {
            self.document.remove("current");
        }
    }

    /// Writes it beside itself and puts it in its place, so that it is whole or as before.
    pub fn save(&self) -> Result<(), Failure> {
        self.write().map_err(Failure::local(self.path.display().to_string()))
    }

    fn write(&self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let draft = self.path.with_extension("toml.part");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&draft)?;
        file.set_permissions(fs::Permissions::from_mode(MODE))?;
        file.write_all(self.document.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, &self.path)
    }
}

fn path(environment: &Environment) -> Result<PathBuf, Failure> {
    if let Some(path) = environment.get("RP9_CONFIG") {
        return Ok(path.into());
    }
    let folder = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || environment.get("HOME").map(|home| Path::new(home).join(".config"));
    let nowhere = || Failure::Usage("Neither RP9_CONFIG nor HOME says where profiles are kept.".to_owned());
    Ok(folder.or_else(home).ok_or_else(nowhere)?.join("rp9/config.toml"))
}

/// Whoever can write it can have our tokens sent to them.
fn refuse_what_others_write(path: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(path).map_err(Failure::local(path.display().to_string()))?.permissions().mode();
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::Usage(format!(
        "{path} can be written by others, who could send your tokens elsewhere: chmod 600 {path}"
    )))
}
