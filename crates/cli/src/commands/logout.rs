//! `rp9 logout`

use clap::Args;

use crate::{
    exit::Exit,
    failure::Failure,
    profile::{File, forget_key, meant},
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Logout {
    /// The profile whose key is forgotten; the one that would be asked with when absent
    name: Option<String>,
}

impl Logout {
    /// Forgets the key that `login` kept. The profile stays, with its address.
    pub fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let mut file = File::open(&setting.environment)?;
        let named = self.name.as_deref().or(setting.options.profile.as_deref());
        let Some(name) = meant(named, &setting.environment, &file).map(str::to_owned) else {
            return Err(Failure::Usage("No profile is the current one: say which.".to_owned()));
        };
        let Some(profile) = file.profile(&name) else {
            return Err(Failure::Usage(format!("There is no profile `{name}`: `rp9 profiles list`")));
        };
        let Some(kept) = profile.key_file.clone() else {
            return Err(Failure::Usage(format!("The profile `{name}` has no key that `rp9 login` kept.")));
        };
        let forgotten = forget_key(file.path(), &name, &kept)?;
        file.unset(&name, "key_file");
        file.save()?;
        let place = if forgotten { "is removed" } else { "was not made by `rp9 login` and stays" };
        let notes = &setting.output.notes;
        notes.note(&format!("`{name}` has no key any more; {} {place}.", kept.display()));
        notes.note("The key itself is good until somebody revokes it: `rp9 keys revoke`.");
        Ok(Exit::Done)
    }
}
