//! Where a host leads.

use std::fmt;
use std::net::SocketAddr;

use common::id::TenantId;
use common::tenant::{Color, Purpose};
use serde::{Deserialize, Serialize};

use crate::{ExternalUrl, Formerly, Host, Workspace};

/// A host, whose it is, and what answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub host: Host,
    pub tenant: TenantId,
    /// What the tenant is there for. A reader that does not know of it takes everybody for a customer's.
    #[serde(default, skip_serializing_if = "Purpose::is_customer")]
    pub purpose: Purpose,
    /// The tenant's sides. Without one that is called, without a workspace and without a stand-in, the host is unknown to the edge.
    pub targets: Vec<Target>,
    /// Of a tenant without sides of its own: what it has in an n8n that it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// Of a tenant with sides of its own: what it had in an n8n that it shared before. A reader that does not know of it leads former paths into
    /// the tenant's n8n as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<Formerly>,
    /// What answers in their place, as long as there is one. A reader that does not know of it sends calls to the sides, where nothing is
    /// ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<StandIn>,
    /// Counts the changes of this route, so that one can be told from the next.
    pub generation: i64,
}

/// One side of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub color: Color,
    pub url: TargetUrl,
    /// The share of calls it gets, relative to the other targets; 0 for none.
    pub weight: u16,
    /// The share of calls to webhooks and forms, where that is another one: a side may answer these and nothing else. A reader that does not
    /// know of it goes by `weight` alone, and leaves such a side out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_weight: Option<u16>,
}

impl Target {
    /// The share of calls to webhooks and forms that it gets.
    pub fn share_of_webhooks(&self) -> u16 {
        self.webhook_weight.unwrap_or(self.weight)
    }

    /// Whether it gets any calls.
    pub fn is_called(&self) -> bool {
        self.weight > 0 || self.share_of_webhooks() > 0
    }
}

/// What answers for a tenant whose sides do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandIn {
    /// A page that says so: 503, come back later.
    Suspended,
    /// A page that says that a backup takes the place of what there was: 503, come back soon.
    Restoring,
    /// The page for whoever has to wait: also in place of one that only a later release knows, because a route with a word too many
    /// must neither be lost nor take all others with it.
    #[serde(other)]
    Waiting,
}

impl StandIn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Suspended, Self::Restoring, Self::Waiting];

    /// The word in the table of routes, in marks and in the edge's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Restoring => "restoring",
            Self::Waiting => "waiting",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand_in| stand_in.as_str() == word)
    }

    /// What stands in where the record has this word, whichever release wrote it.
    pub fn of_record(word: &str) -> Self {
        Self::from_word(word).unwrap_or(Self::Waiting)
    }
}

impl Route {
    /// What the edge says about itself in every answer on this route. `None` if nothing answers.
    pub fn mark(&self) -> Option<Mark> {
        let answerer = match (self.stand_in, &self.workspace) {
            (Some(stand_in), _) => Answerer::StandIn(stand_in),
            (None, Some(_)) => Answerer::Shared,
            (None, None) => {
                let heaviest = self.heaviest(|target| target.weight);
                Answerer::Side(heaviest.or_else(|| self.heaviest(Target::share_of_webhooks))?.color)
            }
        };
        Some(Mark { tenant: self.tenant, answerer, generation: self.generation })
    }

    /// The first of equals, so that the mark does not hang on the order of evaluation.
    fn heaviest(&self, share: impl Fn(&Target) -> u16) -> Option<&Target> {
        self.targets.iter().rev().filter(|target| share(target) > 0).max_by_key(|target| share(target))
    }

    /// Whether calls to webhooks and forms are shared out in another way than the rest.
    pub(crate) fn parts_webhooks(&self) -> bool {
        self.targets.iter().any(|target| target.webhook_weight.is_some())
    }
}

/// Who answers on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer {
    /// The side that gets most of the calls.
    Side(Color),
    /// An n8n that it shares. Which side of that is the instance's own affair, and changes no route but its own.
    Shared,
    StandIn(StandIn),
}

impl fmt::Display for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Side(color) => color.as_str(),
            Self::Shared => "shared",
            Self::StandIn(stand_in) => stand_in.as_str(),
        })
    }
}

/// The value of the header `x-rp9-route`: which route answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub tenant: TenantId,
    pub answerer: Answerer,
    pub generation: i64,
}

impl Mark {
    /// The header it stands in.
    pub const HEADER: &'static str = "x-rp9-route";
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.answerer, self.generation)
    }
}

/// Where an instance listens: plain HTTP on an address or a host of an inner network; or wherever somebody else's n8n is, which is told by the path
/// that it has, if only a slash. A reader of the release before knows only the former.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TargetUrl(String);

common::parsed_text!(TargetUrl);

/// A text that is not the address of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be http://<address or host>:<port>, or the address of somebody else's n8n")]
pub struct TargetUrlError;

impl TargetUrl {
    /// The address of somebody else's n8n, if this is one.
    pub(crate) fn external(&self) -> Option<ExternalUrl> {
        if self.0.ends_with('/') { self.0.parse().ok() } else { None }
    }
}

impl From<&ExternalUrl> for TargetUrl {
    fn from(url: &ExternalUrl) -> Self {
        Self(url.as_str().to_owned())
    }
}

impl From<SocketAddr> for TargetUrl {
    fn from(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }
}

impl std::str::FromStr for TargetUrl {
    type Err = TargetUrlError;

    fn from_str(text: &str) -> Result<Self, TargetUrlError> {
        if text.ends_with('/') {
            let url: ExternalUrl = text.parse().map_err(|_| TargetUrlError)?;
            return if url.as_str() == text { Ok(Self(text.to_owned())) } else { Err(TargetUrlError) };
        }
        let authority = text.strip_prefix("http://").ok_or(TargetUrlError)?;
        if let Ok(address) = authority.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let (host, port) = authority.split_once(':').ok_or(TargetUrlError)?;
        let host: Host = host.parse().map_err(|_| TargetUrlError)?;
        // `u16` would also read `+80`.
        let port = Some(port).filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let port: u16 = port.and_then(|port| port.parse().ok()).ok_or(TargetUrlError)?;
        Ok(Self(format!("http://{host}:{port}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_inner_networks_are_targets() {
        for text in ["http://10.201.0.3:5678", "http://[fd00::3]:5678", "http://gateway:8081"] {
            assert_eq!(text.parse::<TargetUrl>().map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn somebody_elses_n8n_is_a_target_by_its_one_spelling() {
        for text in ["https://n8n.example.com/", "http://10.0.0.5:5678/", "https://example.com/flows/"] {
            let target: TargetUrl = text.parse().unwrap();
            assert_eq!(target.external().map(|url| TargetUrl::from(&url)), Some(target));
        }
        assert_eq!("http://10.0.0.5:5678".parse::<TargetUrl>().unwrap().external(), None);
        for text in ["https://N8N.example.com/", "https://u@n8n.example.com/", "https://n8n.example.com:443/"]
        {
            assert_eq!(text.parse::<TargetUrl>(), Err(TargetUrlError), "{text:?}");
        }
    }

    #[test]
    fn anything_more_than_an_address_is_no_target() {
        let hostile = [
            "",
            "10.0.0.1:80",
            "https://10.0.0.1:80",
            "http://10.0.0.1",
            "http://10.0.0.1:80/",
            "http://u@h:80",
            "http://h:80/path",
            "http://h:80\r\n",
            "http://h:99999",
            "http://h:+80",
            "http://h:",
            "http://`h`:80",
            "http://h\"x:80",
            "http://h?x:80",
            "http://H:80",
            "http://h:8 0",
        ];
        for text in hostile {
            assert_eq!(text.parse::<TargetUrl>(), Err(TargetUrlError), "{text:?}");
        }
    }

    #[test]
    fn the_mark_names_the_side_with_most_of_the_calls() {
        let target = |color, weight| Target {
            color,
            url: "http://10.0.0.2:5678".parse().unwrap(),
            weight,
            webhook_weight: None,
        };
        let tenant = TenantId::generate();
        let mut route = Route {
            host: "acme.localhost".parse().unwrap(),
            tenant,
            purpose: Purpose::Customer,
            targets: vec![target(Color::Blue, 5), target(Color::Green, 5)],
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: 7,
        };
        assert_eq!(route.mark().unwrap().to_string(), format!("{tenant}/blue/7"));
        route.targets[1].weight = 6;
        assert_eq!(route.mark().unwrap().answerer, Answerer::Side(Color::Green));
        route.targets = vec![target(Color::Blue, 0)];
        assert_eq!(route.mark(), None);
        route.targets.push(Target { webhook_weight: Some(9), ..target(Color::Green, 0) });
        assert_eq!(route.mark().unwrap().answerer, Answerer::Side(Color::Green), "its webhooks are answered");
        route.targets[0].weight = 1;
        assert_eq!(route.mark().unwrap().answerer, Answerer::Side(Color::Blue));
        route.stand_in = Some(StandIn::Suspended);
        assert_eq!(route.mark().unwrap().to_string(), format!("{tenant}/suspended/7"));
    }

    #[test]
    fn every_stand_in_is_found_by_its_word_and_told_by_the_same() {
        for stand_in in StandIn::ALL {
            assert_eq!(StandIn::from_word(stand_in.as_str()), Some(stand_in));
            assert_eq!(serde_json::json!(stand_in), stand_in.as_str());
        }
        assert_eq!(StandIn::from_word("asleep"), None);
    }

    /// What a gateway of the next release tells, and what a relay of the next release remembered before it was put back.
    #[test]
    fn a_stand_in_of_a_later_release_is_a_page_and_spoils_no_other_route() {
        let tenant = TenantId::generate();
        let told = serde_json::json!({ "host": "acme.localhost", "tenant": tenant, "targets": [], "generation": 1,
            "stand_in": "frozen" });
        let route: Route = serde_json::from_value(told).unwrap();
        assert_eq!(route.stand_in, Some(StandIn::Waiting));
        assert_eq!(StandIn::of_record("frozen"), StandIn::Waiting);
    }

    /// What relays of the release before told and remember.
    #[test]
    fn a_route_without_a_word_on_stand_ins_has_none() {
        let tenant = TenantId::generate();
        let told =
            serde_json::json!({ "host": "acme.localhost", "tenant": tenant, "targets": [], "generation": 1 });
        let route: Route = serde_json::from_value(told.clone()).unwrap();
        assert_eq!((route.stand_in, route.purpose, &route.workspace), (None, Purpose::Customer, &None));
        assert_eq!(route.formerly, None);
        assert_eq!(serde_json::json!(route), told);
    }

    /// A reader of the release before takes a host without a side for an unknown one, and lets nobody in unannounced.
    #[test]
    fn a_workspace_is_told_without_a_side_and_read_back_as_it_was() {
        let told = serde_json::json!({ "host": "acme.localhost", "tenant": TenantId::generate(), "targets": [], "generation": 4,
            "workspace": { "instance": TenantId::generate(), "prefix": "aB3dE6gH9jK2mN5p",
                "user": "0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f", "address": "https://acme.localhost", "calls_per_hour": 1000 } });
        let route: Route = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(route.mark().unwrap().to_string(), format!("{}/shared/4", route.tenant));
        let header = route.workspace.as_ref().map(Workspace::header).unwrap();
        assert_eq!(header, "0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f https://acme.localhost");
        assert_eq!(serde_json::json!(route), told);
    }

    #[test]
    fn a_share_of_webhooks_is_told_where_it_differs_and_a_reader_without_a_word_for_it_leaves_that_side_out()
    {
        let told = serde_json::json!({ "color": "green", "url": "http://10.0.0.3:5678", "weight": 0, "webhook_weight": 10 });
        let target: Target = serde_json::from_value(told.clone()).unwrap();
        assert!(target.is_called() && target.weight == 0);
        assert_eq!(serde_json::json!(target), told);
        let plain = serde_json::json!({ "color": "blue", "url": "http://10.0.0.2:5678", "weight": 3 });
        let target: Target = serde_json::from_value(plain.clone()).unwrap();
        assert_eq!((target.share_of_webhooks(), serde_json::json!(target)), (3, plain));
    }

    #[test]
    fn what_a_tenant_shared_before_is_told_beside_its_sides_and_read_back_as_it_was() {
        let told = serde_json::json!({ "host": "acme.localhost", "tenant": TenantId::generate(), "generation": 4,
            "targets": [{ "color": "blue", "url": "http://10.0.0.2:5678", "weight": 1 }],
            "formerly": { "instance": TenantId::generate(), "prefix": "aB3dE6gH9jK2mN5p" } });
        let route: Route = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(route.mark().unwrap().to_string(), format!("{}/blue/4", route.tenant));
        assert_eq!(serde_json::json!(route), told);
    }
}
