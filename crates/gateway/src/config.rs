//! What the gateway is told at start. Anything that cannot be right stops it there, all of it reported together.

use std::{net::SocketAddr, num::NonZeroU16};

use common::{
    config::{Env, Section},
    public_address::PublicAddress,
    version::Version,
};
use edge::EdgeToken;

use crate::{
    auth::{SignatureRules, TokenKeys},
    events,
    http::{cors::Origins, server::Sockets},
    jobs::settings::Settings as JobSettings,
    pressure,
    rates::RateConfig,
};

/// Long enough to look for what was lost over a weekend.
const SANDBOX_HOURS: NonZeroU16 = NonZeroU16::new(72).unwrap();

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// Where the API listens.
    pub api_bind: SocketAddr,
    /// Where the edge fetches its routes.
    pub edge_bind: SocketAddr,
    /// What the edge shows to be let in.
    pub edge_token: EdgeToken,
    pub sockets: Sockets,
    /// Whose pages may call the API from a browser.
    pub origins: Origins,
    pub tokens: TokenKeys,
    pub signatures: SignatureRules,
    pub public: PublicAddress,
    /// What new tenants get.
    pub n8n_version: Version,
    /// How many clients may follow events at the same time.
    pub event_clients: usize,
    /// Above so many waiting operations no more are accepted.
    pub backlog_high: u32,
    pub jobs: JobSettings,
    /// Where backups are kept; `None`: nowhere.
    pub backup_bucket: Option<String>,
    /// How long a sandbox is there.
    pub sandbox_hours: NonZeroU16,
    pub holder: holder::Config,
    /// `None`: nobody is limited.
    pub rates: Option<RateConfig>,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let api_bind = env.or("API_BIND", SocketAddr::from(([0, 0, 0, 0], 8080)));
        let edge_bind = env.or("EDGE_BIND", SocketAddr::from(([0, 0, 0, 0], 8081)));
        let edge_token = env.secret("EDGE_TOKEN").map(EdgeToken::from);
        let (sockets, origins) = (Sockets::read(env), Origins::read(env));
        let (tokens, signatures) = (TokenKeys::read(env), SignatureRules::read(env));
        let (public, n8n_version) = (PublicAddress::read(env), env.required("N8N_VERSION"));
        let event_clients = events::clients(env);
        let backlog_high = pressure::backlog_high(env);
        let jobs = JobSettings::read(env);
        let backup_bucket = env.optional("S3_BUCKET");
        let sandbox_hours = env.or("SANDBOX_HOURS", SANDBOX_HOURS);
        let (holder, rates) = (holder::Config::read(env), RateConfig::read(env));
        Some(Self {
            api_bind: api_bind?,
            edge_bind: edge_bind?,
            edge_token: edge_token?,
            sockets: sockets?,
            origins: origins?,
            tokens: tokens?,
            signatures: signatures?,
            public: public?,
            n8n_version: n8n_version?,
            event_clients: event_clients?,
            backlog_high: backlog_high?,
            jobs: jobs?,
            backup_bucket: backup_bucket?,
            sandbox_hours: sandbox_hours?,
            holder: holder?,
            rates: rates?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 8] = [
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("HMAC_SECRET", "fedcba9876543210fedcba9876543210"),
        ("EDGE_TOKEN", "edge"),
        ("N8N_VERSION", "2.41.1"),
        ("TENANT_DOMAIN", "localhost"),
        ("PUBLIC_SCHEME", "http"),
        ("PUBLIC_PORT", "8000"),
        ("REDIS_URL", "redis://redis"),
    ];

    fn load(more: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = GOOD.into_iter().chain(more.iter().copied());
        Env::of(pairs).load().map_err(|e| e.to_string())
    }

    #[test]
    fn where_tenants_are_reached_is_not_made_up() {
        assert_eq!(load(&[]).unwrap().public.login_url("acme"), "http://acme.localhost:8000");
        for name in ["TENANT_DOMAIN", "PUBLIC_SCHEME", "PUBLIC_PORT"] {
            let error = load(&[(name, "")]).unwrap_err();
            assert!(error.contains(&format!("{name} is not set")), "{error}");
        }
    }

    #[test]
    fn secrets_below_32_bytes_are_refused_together_with_everything_else() {
        let bad = [
            ("JWT_SECRET", "short"),
            ("JWT_KEYS", "next=short"),
            ("JWT_MAX_DAYS", "0"),
            ("HMAC_SECRET", "short"),
            ("HMAC_SECRET_PREVIOUS", "short"),
            ("SIGNED_ROLES", "admin,owner"),
            ("TENANT_DOMAIN", "Not A Domain"),
            ("PUBLIC_SCHEME", "gopher"),
            ("N8N_VERSION", "latest"),
            ("CORS_ORIGINS", "*"),
            ("CONNECTIONS", "0"),
            ("HEADERS_WITHIN_SECONDS", "-1"),
            ("KEEP_ALIVE_SECONDS", "0"),
        ];
        let error = load(&bad).unwrap_err();
        assert!(error.contains("13 problem(s)"), "{error}");
        for (name, value) in bad {
            assert!(error.contains(name), "{name} is missing in {error}");
            assert!(value != "short" || !error.contains("=short"), "{error}");
        }
    }

    #[test]
    fn limiting_is_left_out_by_word_only() {
        assert!(load(&[]).unwrap().rates.is_some());
        assert!(load(&[("RATE_LIMIT", "off"), ("REDIS_URL", "")]).unwrap().rates.is_none());
        let bad = [
            ("REDIS_URL", "http://user:hunter2@redis"),
            ("RATE_LIMIT_OWNER", "0"),
            ("RATE_LIMIT_STAFF", "off"),
            ("RATE_LIMIT_CHANGE", "-1"),
            ("RATE_LIMIT_READ", "1000000001"),
            ("RATE_LIMIT_WINDOW_SECONDS", "0"),
        ];
        let error = load(&bad).unwrap_err();
        assert!(error.contains("6 problem(s)") && !error.contains("hunter2"), "{error}");
        assert!(load(&[("REDIS_URL", "")]).unwrap_err().contains("REDIS_URL"), "no address is not no limit");
    }

    #[test]
    fn service_and_owner_always_sign() {
        for roles in ["admin,operator", "service", "owner,admin", "admin,nobody,service,owner"] {
            assert!(load(&[("SIGNED_ROLES", roles)]).is_err(), "{roles}");
        }
        assert!(load(&[("SIGNED_ROLES", "service, owner")]).is_ok());
    }

    #[test]
    fn whoever_sets_it_up_finds_all_that_it_reads() {
        let names = common::service::names_read::<Config>(Env::of(GOOD));
        assert!(names.len() > 30, "{names:?}");
        assert_eq!(testkit::settings::unheard_of(&names), [""; 0]);
        for (backend, more) in [("vault", 9), ("doppler", 4), ("onepassword", 5)] {
            let env = Env::of(GOOD.into_iter().chain([("SECRETS_BACKEND", backend)]));
            let with = common::service::names_read::<Config>(env);
            assert!(with.len() >= names.len() + more, "{backend}: {with:?}");
            assert_eq!(testkit::settings::unheard_of(&with), [""; 0], "{backend}");
        }
    }
}
