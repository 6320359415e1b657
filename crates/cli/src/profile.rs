//! Where and as whom: a profile of the configuration file, or the environment. Never half of each, so that one place's keys
//! are not shown to another.

mod file;
mod key_file;
mod place;
mod secrets;

pub use file::{File, Profile, Role};
pub use key_file::{check_name, forget_key, keep_key};
pub use place::address;

use crate::{api::Place, environment::Environment, failure::Failure, output::Notes};

const NOWHERE: &str = "\
Nothing says where the platform is. Name it once:
    rp9 login NAME --url https://…                                    with an API key
    rp9 profiles set NAME --url https://… --jwt-secret-file FILE --hmac-secret-file FILE
or in the environment: RP9_URL, and RP9_KEY, or RP9_JWT_SECRET or RP9_TOKEN and RP9_HMAC_SECRET (or …_FILE).";

/// The profile that is meant: the one that is named, that of RP9_PROFILE, or the current one.
pub fn meant<'a>(named: Option<&'a str>, environment: &'a Environment, file: &'a File) -> Option<&'a str> {
    named.or(environment.get("RP9_PROFILE")).or(file.current())
}

/// The place that is meant: `--profile`, RP9_PROFILE, RP9_URL, the current profile, in this order.
pub fn choose(named: Option<&str>, environment: &Environment, notes: &Notes) -> Result<Place, Failure> {
    let named = named.or(environment.get("RP9_PROFILE"));
    if named.is_none() && environment.get("RP9_URL").is_some() {
        return place::of_environment(environment, notes);
    }
    let file = File::open(environment)?;
    let Some(name) = meant(named, environment, &file) else { return Err(Failure::Usage(NOWHERE.to_owned())) };
    let Some(profile) = file.profile(name) else {
        return Err(Failure::Usage(format!(
            "There is no profile `{name}` in {}: `rp9 profiles list`",
            file.path().display()
        )));
    };
    place::of_profile(name, profile, file.path(), environment, notes)
}
