//! An n8n that somebody else runs, for tenants of this cluster to share.

use common::{
    config::{Env, Section},
    tenant::Subdomain,
};
use edge::ExternalUrl;
use n8n::{account, databases::PostgresDatabases};
use secrecy::{ExposeSecret as _, SecretString};

/// As many as in one of the platform's own.
const CAPACITY: u16 = 500;

/// Where it is, and what it is worked in with.
#[derive(Debug, Clone)]
pub struct ExternalSettings {
    pub base_url: ExternalUrl,
    /// Of its owner, or an admin.
    pub api_key: SecretString,
    /// With n8n's own login.
    pub database: Option<SecretString>,
    pub encryption_key: Option<SecretString>,
    /// What it signs with, where that does not follow from the key.
    jwt_secret: Option<SecretString>,
    /// What it is called, and the first label of its address at the edge.
    pub name: Subdomain,
    /// How many tenants may live in it.
    pub capacity: u16,
}

/// `None`: there is none.
pub struct OptionalExternal(pub Option<ExternalSettings>);

impl ExternalSettings {
    /// What it signs with; `None` without its key.
    pub fn signs_with(&self) -> Option<SecretString> {
        let key = self.encryption_key.as_ref()?;
        Some(self.jwt_secret.clone().unwrap_or_else(|| account::jwt_secret_of(key)))
    }

    /// Whether nothing is other in these.
    pub fn is_same(&self, other: &Self) -> bool {
        let secrets = |settings: &Self| {
            let own =
                [&settings.database, &settings.encryption_key, &settings.jwt_secret].map(Option::as_ref);
            let text = own.map(|secret| secret.map(|secret| secret.expose_secret().to_owned()));
            (settings.api_key.expose_secret().to_owned(), text)
        };
        let plain = |settings: &Self| (settings.base_url.clone(), settings.name.clone(), settings.capacity);
        secrets(self) == secrets(other) && plain(self) == plain(other)
    }
}

impl Section for OptionalExternal {
    fn read(env: &mut Env) -> Option<Self> {
        let base_url = env.optional::<ExternalUrl>("SHARED_N8N_BASE_URL");
        let secrets = ["API_KEY", "DATABASE_URL", "ENCRYPTION_KEY", "JWT_SECRET"]
            .map(|name| env.optional_secret(&format!("SHARED_N8N_{name}")));
        let name = env.or("SHARED_N8N_NAME", "shared-external".parse().ok()?);
        let capacity = env.or("SHARED_N8N_CAPACITY", CAPACITY);
        let [api_key, database, encryption_key, jwt_secret] = secrets;
        let (base_url, api_key, database) = (base_url?, api_key?, database?);
        let (encryption_key, jwt_secret) = (encryption_key?, jwt_secret?);
        let Some(base_url) = base_url else {
            let given = [api_key, database, encryption_key, jwt_secret].iter().any(Option::is_some);
            return if given {
                env.problem("SHARED_N8N_BASE_URL is not set, and other SHARED_N8N_… are".into())
            } else {
                Some(Self(None))
            };
        };
        let Some(api_key) = api_key else {
            return env.problem(
                "SHARED_N8N_BASE_URL is set, and neither SHARED_N8N_API_KEY nor SHARED_N8N_API_KEY_FILE is"
                    .into(),
            );
        };
        if database.as_ref().is_some_and(|url| PostgresDatabases::new(url.expose_secret()).is_err()) {
            return env.problem("SHARED_N8N_DATABASE_URL is not the URL of a PostgreSQL database".into());
        }
        let (name, capacity) = (name?, capacity?);
        if capacity == 0 {
            return env.problem("SHARED_N8N_CAPACITY must be at least 1".into());
        }
        Some(Self(Some(ExternalSettings {
            base_url,
            api_key,
            database,
            encryption_key,
            jwt_secret,
            name,
            capacity,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("SHARED_N8N_BASE_URL", "https://example.com/flows"),
        ("SHARED_N8N_API_KEY", "hunter2"),
        ("SHARED_N8N_DATABASE_URL", "postgres://n8n:hunter2@db/n8n"),
        ("SHARED_N8N_ENCRYPTION_KEY", "a1b2c3"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Option<ExternalSettings>, String> {
        let read = Env::of(variables.iter().copied()).load::<OptionalExternal>();
        read.map(|OptionalExternal(settings)| settings).map_err(|error| error.to_string())
    }

    #[test]
    fn without_any_there_is_none_and_with_an_address_and_a_key_there_is_one() {
        assert!(read(&[]).unwrap().is_none());
        let least = read(&ALL[..2]).unwrap().unwrap();
        assert_eq!(
            (least.base_url.as_str(), least.name.as_str(), least.capacity),
            ("https://example.com/flows/", "shared-external", CAPACITY)
        );
        assert!(least.database.is_none() && least.signs_with().is_none());
        let all = read(&ALL).unwrap().unwrap();
        assert!(all.is_same(&read(&ALL).unwrap().unwrap()) && !all.is_same(&least));
        assert!(!format!("{all:?}").contains("hunter2"));
    }

    #[test]
    fn what_it_signs_with_follows_from_its_key_unless_it_has_a_secret_of_its_own() {
        let own = |more: &[(&'static str, &'static str)]| {
            read(&[ALL.as_slice(), more].concat()).unwrap().unwrap().signs_with().unwrap()
        };
        let key = "a1b2c3".to_owned().into();
        assert_eq!(own(&[]).expose_secret(), account::jwt_secret_of(&key).expose_secret());
        assert_eq!(own(&[("SHARED_N8N_JWT_SECRET", "another")]).expose_secret(), "another");
    }

    #[test]
    fn what_does_not_belong_together_is_a_problem_that_tells_no_secret() {
        for (variables, named) in [
            (vec![ALL[1]], "SHARED_N8N_BASE_URL"),
            (vec![ALL[2]], "SHARED_N8N_BASE_URL"),
            (vec![ALL[0]], "SHARED_N8N_API_KEY"),
            (vec![("SHARED_N8N_BASE_URL", "https://u:hunter2@example.com"), ALL[1]], "SHARED_N8N_BASE_URL"),
            (vec![ALL[0], ALL[1], ("SHARED_N8N_DATABASE_URL", "hunter2 is none")], "SHARED_N8N_DATABASE_URL"),
            (vec![ALL[0], ALL[1], ("SHARED_N8N_NAME", "www")], "SHARED_N8N_NAME"),
            (vec![ALL[0], ALL[1], ("SHARED_N8N_CAPACITY", "0")], "SHARED_N8N_CAPACITY"),
        ] {
            let error = read(&variables).unwrap_err();
            assert!(error.contains(named) && !error.contains("hunter2"), "{error}");
        }
    }
}
