//! `rp9 login`

use std::io::{self, IsTerminal, Read};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    api::{Api, Credential, Place, Request},
    exit::Exit,
    failure::Failure,
    profile::{File, address, keep_key},
    setting::Setting,
};

/// What every key begins with.
const BEGINNING: &str = "rp9_";
/// Longer than any key; what is read from standard input may be anything.
const MOST_BYTES: u64 = 4 * 1024;
/// Refused for what the key may not, not for what it is.
const MAY_NOT: &str = "forbidden";

#[derive(Debug, Args)]
pub struct Login {
    /// The profile that keeps it; made if it is not there
    #[arg(default_value = "default")]
    name: String,
    /// The API's address; the profile's own when absent
    #[arg(long)]
    url: Option<String>,
}

impl Login {
    /// Keeps the key once the API has taken it, and makes the profile the current one.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let mut file = File::open(&setting.environment)?;
        let known = file.profile(&self.name).map(|profile| profile.url.clone());
        let Some(url) = self.url.clone().or(known) else {
            return Err(Failure::Usage(format!("There is no profile `{}` yet: say its --url.", self.name)));
        };
        let url = address(&format!("The profile `{}`", self.name), &url)?;
        let key = read_key()?;
        let credential = Credential::Key(key.clone());
        let place = Place { url: url.clone(), credential, signing_key: Some(key.clone()) };
        let api = Api::new(place, setting.options.patience(), setting.output.notes)?;
        match api.send(&Request::get("/plans")).await {
            Ok(_) => {}
            Err(Failure::Refused(refusal)) if refusal.problem.code == MAY_NOT => {}
            Err(failure) => return Err(failure),
        }
        let kept = keep_key(file.path(), &self.name, &key)?;
        file.set(&self.name, &[("url", url.as_str().trim_end_matches('/').to_owned()), ("key_file", kept)]);
        file.make_current(&self.name);
        file.save()?;
        let (who, path) = (api.who(), file.path().display());
        setting.output.notes.note(&format!("`{}` asks {who}; {path} is written", self.name));
        Ok(Exit::Done)
    }
}

/// From a terminal without showing it, otherwise the first line of standard input.
fn read_key() -> Result<SecretString, Failure> {
    let input = Failure::local("standard input");
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password("API key: ").map_err(input)?
    } else {
        let mut text = String::new();
        io::stdin().take(MOST_BYTES).read_to_string(&mut text).map_err(input)?;
        text
    };
    let key = SecretString::from(text.trim());
    // What it is not is not shown either: it may be another secret.
    let shaped =
        key.expose_secret().starts_with(BEGINNING) && !key.expose_secret().contains(char::is_whitespace);
    let not_one = "That is no API key: one begins with `rp9_`. It is read from standard input, or asked for.";
    shaped.then_some(key).ok_or_else(|| Failure::Usage(not_one.to_owned()))
}
