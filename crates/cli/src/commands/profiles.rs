//! `rp9 profiles …`

mod value;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::{
    commands::listing,
    exit::Exit,
    failure::Failure,
    output::{Column, made, text, yes},
    profile::{File, Role, check_name},
    setting::Setting,
};

const COLUMNS: &[Column] = &[
    text("NAME", "/name"),
    made("CURRENT", |profile| yes(profile.get("current"))),
    text("URL", "/url"),
    text("ROLE", "/role"),
    text("SUBJECT", "/subject"),
    made("ASKS WITH", |profile| place(profile, &["key", "jwt_secret", "token"])),
    made("SIGNS WITH", |profile| place(profile, &["key", "hmac_secret"])),
];

/// Where the first of these secrets is.
fn place(profile: &Value, secrets: &[&str]) -> String {
    let of = |secret: &&str| {
        let at = |kind| profile.get(format!("{secret}_{kind}")).and_then(Value::as_str);
        at("env").map(|name| format!("${name}")).or(at("file").map(str::to_owned))
    };
    secrets.iter().find_map(of).unwrap_or_else(|| "-".to_owned())
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, and where their secrets are
    List,
    /// Make one the current one
    Use(Named),
    /// Make one, or change what is given of it
    Set(Box<Set>),
    /// Forget one; its secrets stay where they are
    Remove(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// Its name
    name: String,
}

#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    named: Named,
    /// The API's address, with the prefix of a proxy if there is one
    #[arg(long, value_parser = value::url)]
    url: Option<String>,
    /// The file with an API key, which asks and signs: `rp9 login` makes one
    #[arg(long, value_name = "FILE", value_parser = value::a_file)]
    key_file: Option<PathBuf>,
    /// The same in a variable of the environment
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// What the tokens that rp9 makes may do; `operator` when absent
    #[arg(long)]
    role: Option<Role>,
    /// Who asks, for the audit log; $USER when absent
    #[arg(long, value_parser = value::word)]
    subject: Option<String>,
    /// The file with the secret that tokens are made with
    #[arg(long, value_name = "FILE", value_parser = value::a_file)]
    jwt_secret_file: Option<PathBuf>,
    /// The same in a variable of the environment
    #[arg(long, value_name = "NAME", conflicts_with = "jwt_secret_file")]
    jwt_secret_env: Option<String>,
    /// Which of the gateway's keys that is, where it has several
    #[arg(long, value_name = "KEY ID", value_parser = value::word)]
    jwt_kid: Option<String>,
    /// The file with a token, for those who cannot make their own
    #[arg(long, value_name = "FILE", value_parser = value::a_file)]
    token_file: Option<PathBuf>,
    /// The same in a variable of the environment
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    token_env: Option<String>,
    /// The file with the key that changes are signed with
    #[arg(long, value_name = "FILE", value_parser = value::a_file)]
    hmac_secret_file: Option<PathBuf>,
    /// The same in a variable of the environment
    #[arg(long, value_name = "NAME", conflicts_with = "hmac_secret_file")]
    hmac_secret_env: Option<String>,
}

impl Verb {
    /// Does it.
    pub fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let mut file = File::open(&setting.environment)?;
        match self {
            Self::List => return list(setting, &file),
            Self::Use(Named { name }) => {
                known(&file, name)?;
                file.make_current(name);
            }
            Self::Set(set) => {
                let name = &set.named.name;
                if file.profile(name).is_none() {
                    check_name(name)?;
                    let unsaid =
                        || Failure::Usage(format!("There is no profile `{name}` yet: say its --url."));
                    set.url.as_ref().ok_or_else(unsaid)?;
                }
                file.set(name, &set.settings()?);
            }
            Self::Remove(Named { name }) => {
                known(&file, name)?;
                file.remove(name);
            }
        }
        file.save()?;
        setting.output.notes.note(&format!("{} is written", file.path().display()));
        Ok(Exit::Done)
    }
}

fn known(file: &File, name: &str) -> Result<(), Failure> {
    match file.profile(name) {
        Some(_) => Ok(()),
        None => Err(Failure::Usage(format!("There is no profile `{name}`: `rp9 profiles list`"))),
    }
}

fn list(setting: &Setting, file: &File) -> Result<Exit, Failure> {
    let entries = file.profiles().map(|(name, profile)| {
        let mut entry = serde_json::to_value(profile)?;
        entry["name"] = name.into();
        entry["current"] = (file.current() == Some(name)).into();
        Ok(entry)
    });
    let entries = entries.collect::<Result<Vec<_>, Failure>>()?;
    if setting.output.json {
        setting.output.document(json!({ "data": entries }).to_string().as_bytes())?;
    } else {
        listing::show(&setting.output, COLUMNS, "/name", "profiles", &entries)?;
    }
    Ok(Exit::Done)
}

impl Set {
    /// What is given, by the names of the file. Files are named from wherever rp9 will be run.
    fn settings(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        let absolute = |path: &PathBuf| {
            let path = std::path::absolute(path).map_err(Failure::local(path.display().to_string()))?;
            Ok::<_, Failure>(path.display().to_string())
        };
        let role = self.role.and_then(|role| role.to_possible_value()).map(|role| role.get_name().to_owned());
        let given = [
            ("url", self.url.clone()),
            ("key_file", self.key_file.as_ref().map(absolute).transpose()?),
            ("key_env", value::variable("--key-env", self.key_env.as_ref())?),
            ("role", role),
            ("subject", self.subject.clone()),
            ("jwt_secret_file", self.jwt_secret_file.as_ref().map(absolute).transpose()?),
            ("jwt_secret_env", value::variable("--jwt-secret-env", self.jwt_secret_env.as_ref())?),
            ("jwt_kid", self.jwt_kid.clone()),
            ("token_file", self.token_file.as_ref().map(absolute).transpose()?),
            ("token_env", value::variable("--token-env", self.token_env.as_ref())?),
            ("hmac_secret_file", self.hmac_secret_file.as_ref().map(absolute).transpose()?),
            ("hmac_secret_env", value::variable("--hmac-secret-env", self.hmac_secret_env.as_ref())?),
        ];
        Ok(given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}
