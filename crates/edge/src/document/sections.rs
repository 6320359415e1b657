//! The parts of the document, filled route by route.

use std::collections::{BTreeMap, HashMap, HashSet};

use common::{id::TenantId, tenant::Color};
use serde_json::{Map, Value, json};

use super::{
    DIAL_WITHIN, IDLE_FOR, IN_FLIGHT, OF_WEBHOOKS, OWN_WEBHOOKS, REFUSE, REFUSE_PRIORITY, SIDE_HEADER,
    Settings, TO_TLS, TRANSPORT, UNKNOWN_PRIORITY, WAITING, in_flight, refuse, stand_in, stand_in_name,
    to_tls,
};
use crate::{Certificate, Prefix, Route, StandIn, Target, Tls};

pub(super) struct Sections<'a> {
    pub(super) settings: &'a Settings,
    /// The n8ns that tenants share.
    pub(super) shared: HashMap<TenantId, &'a Route>,
    /// The parts of them that have their way in on the n8n's own host: one is enough, however many hosts its tenant has.
    pub(super) entered: HashSet<(TenantId, Prefix)>,
    pub(super) routers: Map<String, Value>,
    pub(super) middlewares: Map<String, Value>,
    services: Map<String, Value>,
}

impl<'a> Sections<'a> {
    /// What is there whatever the routes are: nobody's hosts are refused, since silence would be taken for "not yet".
    pub(super) fn with(settings: &'a Settings, shared: HashMap<TenantId, &'a Route>) -> Self {
        let middlewares = [(REFUSE, refuse()), (IN_FLIGHT, in_flight(settings.in_flight))];
        let middlewares = middlewares.map(|(name, value)| (name.to_owned(), value));
        let stand_ins = StandIn::ALL.map(|page| (stand_in_name(page), stand_in(page)));
        let waiting = json!({ "loadBalancer": { "servers": [{ "url": settings.waiting.as_str() }] } });
        let mut sections = Self {
            settings,
            shared,
            entered: HashSet::new(),
            routers: Map::new(),
            middlewares: middlewares.into_iter().chain(stand_ins).collect(),
            services: Map::from_iter([(WAITING.to_owned(), waiting)]),
        };
        let unknown = everything(&[REFUSE]);
        sections.open("unknown_host", "", &unknown);
        sections.routers.insert("unknown_host_probe".to_owned(), unknown.on("probe"));
        if let Some(tls) = &settings.tls {
            sections.send_to_tls(tls);
        }
        sections
    }

    /// On the public entrypoint.
    pub(super) fn open(&mut self, name: &str, suffix: &str, router: &Router<'_>) {
        let public = match &self.settings.tls {
            Some(_) => router.secure(json!({})),
            None => router.on("web"),
        };
        self.routers.insert(format!("{name}{suffix}"), public);
    }

    /// Whatever is asked for in plain text. Traefik answers its issuers of certificates before this.
    fn send_to_tls(&mut self, tls: &Tls) {
        self.middlewares.insert(TO_TLS.to_owned(), to_tls(tls.port));
        self.routers.insert("plain_text".to_owned(), everything(&[TO_TLS]).on("web"));
    }

    /// Has a certificate ordered. Routers only use what there is, or each of them would order with every document for as long as it fails.
    pub(super) fn ask(&mut self, certificate: &Certificate) {
        let domains = json!([{ "main": certificate.to_string() }]);
        let tls = json!({ "certResolver": certificate.kind(), "domains": domains });
        let rule = format!("Host(`{}`)", certificate.example());
        let nobodys = Router { rule, ..everything(&[REFUSE]) };
        self.routers.insert(format!("{certificate}_certificate"), nobodys.secure(tls));
    }

    /// One service per side, a way to ask it alone, and one service above them that shares out the calls among those that are
    /// ready; another one for calls to webhooks and forms, where those are shared out otherwise. If no side that has a share of these is ready, the one
    /// that answers everything else answers them too. The names stay the same during a switch.
    pub(super) fn add_sides(
        &mut self,
        name: &str,
        route: &Route,
        probed: &Router<'_>,
        ready: impl Fn(Color) -> bool,
    ) {
        let targets = &route.targets;
        let (mut shares, mut of_webhooks, mut of_the_serving) = (Vec::new(), Vec::new(), Vec::new());
        for (color, Side { weight, webhook_weight, servers }) in sides(targets) {
            let color_name = Color::as_str(color);
            let side = format!("{name}_{color_name}");
            let rule = format!("{} && Header(`{SIDE_HEADER}`, `{color_name}`)", probed.rule);
            let alone = Router { rule, service: &side, priority: REFUSE_PRIORITY, ..*probed };
            self.routers.insert(format!("{side}_probe"), alone.on("probe"));
            let webhooks = format!("{side}{OF_WEBHOOKS}");
            if ready(color) {
                let share =
                    |name: &str, weight: u32| (weight > 0).then(|| json!({ "name": name, "weight": weight }));
                shares.extend(share(&side, weight));
                of_webhooks.extend(share(&webhooks, webhook_weight));
                of_the_serving.extend(share(&webhooks, weight));
            }
            let mut balancer = json!({ "servers": servers, "serversTransport": TRANSPORT });
            if targets.iter().any(|target| target.color == color && target.url.external().is_some()) {
                // Whoever is before it finds it by its own name, and what it was called here stands in `X-Forwarded-Host`.
                balancer["passHostHeader"] = json!(false);
            }
            let service = json!({ "loadBalancer": balancer });
            if route.parts_webhooks() {
                self.services.insert(webhooks, service.clone());
            }
            self.services.insert(side, service);
        }
        self.share_out(name.to_owned(), shares);
        if route.parts_webhooks() {
            let of_webhooks = if of_webhooks.is_empty() { of_the_serving } else { of_webhooks };
            self.share_out(format!("{name}{OWN_WEBHOOKS}"), of_webhooks);
        }
    }

    /// Among these; among none, whoever answers in their place gets all.
    fn share_out(&mut self, name: String, mut shares: Vec<Value>) {
        if shares.is_empty() {
            shares.push(json!({ "name": WAITING, "weight": 1 }));
        }
        self.services.insert(name, json!({ "weighted": { "services": shares } }));
    }

    pub(super) fn into_document(self) -> Value {
        let timeouts = json!({ "dialTimeout": DIAL_WITHIN, "idleConnTimeout": IDLE_FOR });
        json!({ "http": {
            "routers": self.routers,
            "middlewares": self.middlewares,
            "services": self.services,
            "serversTransports": { TRANSPORT: { "forwardingTimeouts": timeouts } },
        } })
    }
}

/// What no other router takes. It names a host that nobody has, or Traefik would warn with each document that it names none.
fn everything<'a>(middlewares: &'a [&'a str]) -> Router<'a> {
    let rule = "PathPrefix(`/`) || Host(`nobody.invalid`)".to_owned();
    Router { rule, service: WAITING, middlewares, priority: UNKNOWN_PRIORITY }
}

/// The weights and the servers of a colour.
#[derive(Default)]
struct Side {
    weight: u32,
    webhook_weight: u32,
    servers: Vec<Value>,
}

/// Each colour that gets any calls.
fn sides(targets: &[Target]) -> Vec<(Color, Side)> {
    let mut sides: BTreeMap<&str, (Color, Side)> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.is_called()) {
        let (_, side) = sides.entry(Color::as_str(target.color)).or_insert((target.color, Side::default()));
        side.weight += u32::from(target.weight);
        side.webhook_weight += u32::from(target.share_of_webhooks());
        side.servers.push(server(target));
    }
    sides.into_values().collect()
}

fn server(target: &Target) -> Value {
    // Among the servers of its side, which one that answers webhooks only has a share of as well.
    let weight = target.weight.max(target.share_of_webhooks());
    let mut server = json!({ "url": target.url.as_str(), "weight": weight });
    if target.url.external().is_some_and(|url| url.has_path()) {
        server["preservePath"] = json!(true);
    }
    server
}

pub(super) struct Router<'a> {
    pub(super) rule: String,
    pub(super) service: &'a str,
    pub(super) middlewares: &'a [&'a str],
    pub(super) priority: u32,
}

impl Router<'_> {
    pub(super) fn on(&self, entrypoint: &str) -> Value {
        json!({
            "entryPoints": [entrypoint],
            "rule": self.rule,
            "service": self.service,
            "middlewares": self.middlewares,
            "priority": self.priority,
        })
    }

    /// The same where TLS is spoken.
    fn secure(&self, tls: Value) -> Value {
        let mut router = self.on("websecure");
        router["tls"] = tls;
        router
    }
}
