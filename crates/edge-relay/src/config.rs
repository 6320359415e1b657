//! What the relay is told at start.

mod tls;

use std::{net::SocketAddr, path::PathBuf};

use common::config::{Env, Section};
use edge::{EdgeToken, Settings};
use url::Url;

use tls::MaybeTls;
pub use tls::{Addresses, Keeping};

/// Some dozens are what an n8n works on at once; the rest wait in it. Ten tenants at this bound are 5,000 sockets of Traefik's.
const IN_FLIGHT: u32 = 500;

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// Where Traefik gets its configuration.
    pub bind: SocketAddr,
    /// Where the waiting page is.
    pub waiting_bind: SocketAddr,
    /// Where the gateway tells all routes.
    pub routes_url: Url,
    /// What is shown to the gateway, and what Traefik shows.
    pub token: EdgeToken,
    /// Traefik's entrypoint `probe`.
    pub probe_url: Url,
    /// Who keeps calls that a tenant cannot take, unless `HOLDER` is off. `None`: they get the page too.
    pub holder_url: Option<Url>,
    pub state_dir: StateDir,
    pub settings: Settings,
    /// The certificates, where TLS is spoken.
    pub keeping: Option<Keeping>,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let bind = env.or("EDGE_BIND", SocketAddr::from(([0, 0, 0, 0], 8081)));
        let waiting_bind = env.or("WAITING_BIND", SocketAddr::from(([0, 0, 0, 0], 8082)));
        let (routes_url, probe_url) = (env.required("ROUTES_URL"), env.required("EDGE_PROBE_URL"));
        let (holds, holder_url) = (env.switch("HOLDER", true), env.optional("HOLDER_URL"));
        let (token, state_dir) = (env.secret("EDGE_TOKEN"), StateDir::read(env));
        let (keeping, waiting) = (MaybeTls::read(env), env.required("WAITING_URL"));
        let tenants = env.required("TENANT_SUBNETS");
        let in_flight = env.or("EDGE_IN_FLIGHT", IN_FLIGHT);
        let in_flight = match in_flight {
            Some(0) => env.problem("EDGE_IN_FLIGHT must be at least 1".to_owned()),
            other => other,
        };
        let MaybeTls(keeping) = keeping?;
        let tls = keeping.as_ref().map(|keeping| keeping.tls.clone());
        Some(Self {
            bind: bind?,
            waiting_bind: waiting_bind?,
            routes_url: routes_url?,
            token: token?.into(),
            probe_url: probe_url?,
            holder_url: holder_url?.filter(|_| holds == Some(true)),
            state_dir: state_dir?,
            settings: Settings { tls, waiting: waiting?, in_flight: in_flight?, tenants: tenants? },
            keeping,
        })
    }
}

/// The folder that outlives the process.
#[derive(Debug)]
pub struct StateDir(pub PathBuf);

impl Section for StateDir {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("STATE_DIR", PathBuf::from("/var/lib/rp9")).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("ROUTES_URL", "http://gateway:8081/edge/routes.json"),
        ("EDGE_PROBE_URL", "http://traefik:8001"),
        ("WAITING_URL", "http://edge-relay:8082"),
        ("EDGE_TOKEN", "edge"),
        ("TENANT_SUBNETS", "10.201.0.0/16"),
    ];

    fn load(more: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = GOOD.into_iter().chain(more.iter().copied());
        Env::of(pairs).load().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_needed_is_five_things() {
        let config = load(&[]).unwrap();
        assert_eq!((config.settings.in_flight, config.settings.tls), (500, None));
    }

    #[test]
    fn calls_are_held_unless_that_is_switched_off() {
        let holder = |more: &[(&str, &str)]| {
            load(&[&[("HOLDER_URL", "http://gateway:8083")], more].concat()).unwrap().holder_url
        };
        for held in [&[][..], &[("HOLDER", "")], &[("HOLDER", "on")]] {
            assert!(holder(held).is_some(), "{held:?}");
        }
        assert!(holder(&[("HOLDER", "off")]).is_none());
        assert!(load(&[]).unwrap().holder_url.is_none(), "nobody is there to hold them");
        assert!(load(&[("HOLDER", "perhaps")]).unwrap_err().contains("HOLDER"));
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let bad = [
            ("EDGE_IN_FLIGHT", "0"),
            ("EDGE_TLS", "perhaps"),
            ("WAITING_URL", "https://x"),
            ("ROUTES_URL", "gateway"),
            ("EDGE_TOKEN", ""),
            ("TENANT_SUBNETS", "10.201.0.0"),
        ];
        let error = load(&bad).unwrap_err();
        assert!(
            error.contains("6 problem(s)") && bad.iter().all(|(name, _)| error.contains(name)),
            "{error}"
        );
    }

    #[test]
    fn whoever_sets_it_up_finds_all_that_it_reads() {
        let by_tls = [("EDGE_TLS", "on"), ("TENANT_DOMAIN", "flows.example"), ("PUBLIC_PORT", "443")];
        let by_tls = by_tls.into_iter().chain([("EDGE_TLS_PROBE", "traefik:8443")]);
        let names = common::service::process::names_read::<Config>(Env::of(GOOD.into_iter().chain(by_tls)));
        assert!(names.len() > 20, "{names:?}");
        assert_eq!(testkit::settings::unheard_of(&names), [""; 0]);
    }
}
