//! From what was written down to what requests are made with.

use std::path::Path;

use url::Url;

use super::{Profile, Role, secrets::Source};
use crate::{
    api::{Credential, Mint, Place},
    environment::Environment,
    failure::Failure,
    output::Notes,
};

/// Enough for everyday work.
const USUAL_ROLE: Role = Role::Operator;

/// Everything of the environment.
pub fn of_environment(environment: &Environment, notes: &Notes) -> Result<Place, Failure> {
    let role = environment.get("RP9_ROLE").map(role).transpose()?;
    Draft {
        name: "The environment",
        url: environment.get("RP9_URL").unwrap_or_default(),
        role: role.unwrap_or(USUAL_ROLE),
        subject: environment.get("RP9_SUBJECT"),
        kid: environment.get("RP9_JWT_KID"),
        key: Source::named("RP9_KEY", environment),
        jwt_secret: Source::named("RP9_JWT_SECRET", environment),
        token: Source::named("RP9_TOKEN", environment),
        hmac_secret: Source::named("RP9_HMAC_SECRET", environment),
    }
    .place(environment, notes)
}

/// Everything of a profile.
pub fn of_profile(
    name: &str,
    profile: &Profile,
    file: &Path,
    environment: &Environment,
    notes: &Notes,
) -> Result<Place, Failure> {
    let source = |variable: &Option<String>, path: &Option<_>| {
        Source::of_profile(variable.as_ref(), path.as_ref(), file)
    };
    Draft {
        name: &format!("The profile `{name}`"),
        url: &profile.url,
        role: profile.role.unwrap_or(USUAL_ROLE),
        subject: profile.subject.as_deref(),
        kid: profile.jwt_kid.as_deref(),
        key: source(&profile.key_env, &profile.key_file),
        jwt_secret: source(&profile.jwt_secret_env, &profile.jwt_secret_file),
        token: source(&profile.token_env, &profile.token_file),
        hmac_secret: source(&profile.hmac_secret_env, &profile.hmac_secret_file),
    }
    .place(environment, notes)
}

/// A place before its secrets are read.
struct Draft<'a> {
    name: &'a str,
    url: &'a str,
    role: Role,
    subject: Option<&'a str>,
    kid: Option<&'a str>,
    key: Option<Source>,
    jwt_secret: Option<Source>,
    token: Option<Source>,
    hmac_secret: Option<Source>,
}

impl Draft<'_> {
    fn place(self, environment: &Environment, notes: &Notes) -> Result<Place, Failure> {
        let url = address(self.name, self.url)?;
        // What somebody logged in with counts, whatever else is there.
        if let Some(source) = &self.key {
            let key = source.read(environment, notes)?;
            return Ok(Place { url, signing_key: Some(key.clone()), credential: Credential::Key(key) });
        }
        // A secret before a token: what is made of it has not expired since.
        let credential = match (&self.jwt_secret, &self.token) {
            (Some(source), _) => Credential::Minted(Mint {
                secret: source.read(environment, notes)?,
                kid: self.kid.map(str::to_owned),
                role: self.role.as_str().to_owned(),
                subject: self.subject.or(environment.get("USER")).unwrap_or("rp9").to_owned(),
            }),
            (None, Some(source)) => Credential::Token(source.read(environment, notes)?),
            (None, None) => {
                let said =
                    format!("{} has neither a key nor a token, nor a secret to make one with.", self.name);
                return Err(Failure::Usage(said));
            }
        };
        let signing_key = self.hmac_secret.map(|source| source.read(environment, notes)).transpose()?;
        Ok(Place { url, credential, signing_key })
    }
}

fn role(text: &str) -> Result<Role, Failure> {
    let known = <Role as clap::ValueEnum>::from_str(text, false);
    known.map_err(|_| Failure::Usage(format!("RP9_ROLE={text}: must be admin, operator or service")))
}

/// An address of the API.
pub fn address(name: &str, text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    url.ok_or_else(|| {
        Failure::Usage(format!("{name} has no address that begins with http:// or https://: `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const NOTES: Notes = Notes { quiet: true, verbose: false, coloured: false };

    fn place(variables: &[(&'static str, &'static str)]) -> Result<Place, String> {
        let mut all = [("RP9_URL", "http://127.0.0.1:8080"), ("", ""), ("", ""), ("", ""), ("", "")];
        all[1..=variables.len()].copy_from_slice(variables);
        of_environment(&Environment::from(all), &NOTES).map_err(|failure| failure.lines().concat())
    }

    #[test]
    fn tokens_are_made_here_where_that_can_be() {
        let both =
            place(&[("RP9_TOKEN", "t"), ("RP9_JWT_SECRET", "s"), ("RP9_ROLE", "admin"), ("USER", "ada")]);
        assert_eq!(both.unwrap().credential.describe(), "as ada (admin)");
        let usual = place(&[("RP9_JWT_SECRET", "s")]).unwrap();
        assert_eq!(usual.credential.describe(), "as rp9 (operator)");
        let key =
            place(&[("RP9_KEY", "rp9_1_2"), ("RP9_JWT_SECRET", "s"), ("RP9_HMAC_SECRET", "h")]).unwrap();
        assert_eq!(key.credential.describe(), "with the key key_1");
        assert_eq!(key.signing_key.unwrap().expose_secret(), "rp9_1_2", "it signs with itself");
        let given = place(&[("RP9_TOKEN", "t")]).unwrap();
        assert!(matches!(given.credential, Credential::Token(_)) && given.signing_key.is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(place(&[]).unwrap_err().contains("neither a key nor a token"));
        assert!(place(&[("RP9_TOKEN", "t"), ("RP9_ROLE", "owner")]).unwrap_err().contains("RP9_ROLE=owner"));
        assert!(place(&[("RP9_URL", "127.0.0.1:8080"), ("RP9_TOKEN", "t")]).unwrap_err().contains("http://"));
    }
}
