//! The keys that somebody logged in with: a file for each profile, beside the configuration.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

/// Nobody else has any business here.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const FOLDER: &str = "keys";

/// Refuses what cannot be a profile's name, since it may become a file's.
pub fn check_name(profile: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if profile.starts_with('.') || profile.is_empty() || !profile.chars().all(plain) {
        let rule = "it names a file: letters, digits, dots, hyphens and underscores, no dot at its beginning";
        return Err(Failure::Usage(format!("A profile cannot be called `{profile}`: {rule}.")));
    }
    Ok(())
}

/// Keeps a key for this profile. Returns how the configuration names its file.
pub fn keep_key(configuration: &Path, profile: &str, key: &SecretString) -> Result<String, Failure> {
    check_name(profile)?;
    let folder = configuration.parent().unwrap_or(Path::new("")).join(FOLDER);
    let path = folder.join(profile);
    write(&folder, &path, key).map_err(Failure::local(path.display().to_string()))?;
    Ok(format!("{FOLDER}/{profile}"))
}

/// Removes the file that a profile's key was kept in. `false`: it is none of those, and stays.
pub fn forget_key(configuration: &Path, profile: &str, kept: &Path) -> Result<bool, Failure> {
    if check_name(profile).is_err() || kept != Path::new(FOLDER).join(profile) {
        return Ok(false);
    }
    let path = configuration.parent().unwrap_or(Path::new("")).join(kept);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::local(path.display().to_string())(error))
        }
        _ => Ok(true),
    }
}

/// Beside its place first, so that it is whole or as before, and never there with another mode.
fn write(folder: &Path, path: &PathBuf, key: &SecretString) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let draft = path.with_file_name(format!(".{}.part", path.file_name().unwrap_or_default().display()));
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    // New: neither somebody else's file nor the end of a link.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&draft)?;
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    writeln!(file, "{}", key.expose_secret())?;
    file.sync_all()?;
    fs::rename(draft, path)
}
