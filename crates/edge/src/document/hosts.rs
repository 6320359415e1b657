//! A host's routers: of a tenant's own n8n, of a tenant's part of one that it shares, and of such an n8n itself.

use common::id::TenantId;
use common::tenant::{Color, Purpose};
use serde_json::json;

use super::{
    IN_FLIGHT, OWN_PARTED_PRIORITY, OWN_PRIORITY, OWN_REFUSE_PRIORITY, OWN_WEBHOOKS, OWN_WEBHOOKS_PRIORITY,
    PRIVATE_PATHS, PROBE_PATH, REFUSE, REFUSE_PRIORITY, ROUTE_PRIORITY, WAITING, WEBHOOKS_PRIORITY, inner,
    sections::{Router, Sections},
    stand_in_name, tenancy,
};
use crate::{Formerly, Mark, Route, Workspace};

/// How calls for one host are answered.
struct Way<'a> {
    name: &'a str,
    rule: String,
    service: &'a str,
    /// What answers calls to webhooks and forms, where that is something else.
    webhooks: Option<String>,
    /// What is said in each answer and told to whoever gives it.
    told: Vec<&'a str>,
}

impl Way<'_> {
    fn limited(&self) -> Vec<&str> {
        [self.told.as_slice(), &[IN_FLIGHT]].concat()
    }

    fn router<'a>(&'a self, rule: &str, middlewares: &'a [&'a str], priority: u32) -> Router<'a> {
        Router { rule: format!("{} && {rule}", self.rule), service: self.service, middlewares, priority }
    }
}

impl<'a> Sections<'a> {
    pub(super) fn add(&mut self, route: &'a Route, mark: Mark, ready: impl Fn(Color) -> bool) {
        let name = route.host.as_str();
        let (label, page) = (format!("{name}_mark"), route.stand_in.map(stand_in_name));
        let service = match &route.workspace {
            _ if page.is_some() => WAITING,
            Some(workspace) => self.service_of(workspace),
            None => name,
        };
        let request = match (&route.workspace, &route.formerly) {
            (Some(workspace), _) => tenancy::for_tenant(workspace),
            (None, Some(_)) => tenancy::for_nobody_any_more(),
            (None, None) => tenancy::for_nobody(),
        };
        let answer = json!({ Mark::HEADER: mark.to_string() });
        let mut headers = json!({ "customRequestHeaders": request, "customResponseHeaders": answer });
        // Traefik says it by TLS alone.
        if let Some(seconds) = self.settings.tls.as_ref().map(|tls| tls.hsts_seconds).filter(|s| *s > 0) {
            headers["stsSeconds"] = json!(seconds);
        }
        self.middlewares.insert(label.clone(), json!({ "headers": headers }));

        let told = [label.as_str()].into_iter().chain(page.as_deref()).collect();
        let parted = page.is_none() && route.workspace.is_none() && route.parts_webhooks();
        let webhooks = parted.then(|| format!("{name}{OWN_WEBHOOKS}"));
        let way = Way { name, rule: format!("Host(`{name}`)"), service, webhooks, told };
        match (&route.workspace, route.purpose) {
            (Some(workspace), _) => self.open_workspace(&way, workspace),
            (None, Purpose::Shared) => self.open_shared(&way, route.tenant),
            (None, Purpose::Customer | Purpose::Sandbox | Purpose::Unknown) => {
                self.open_own(&way, route.formerly.as_ref());
            }
        }
        // Tenants' containers reach this entrypoint too, through the network they share with the edge.
        let probed = way.router(&format!("Path(`{PROBE_PATH}`)"), &way.told, ROUTE_PRIORITY);
        // Where webhooks are all that is answered, whoever answers those shows that the route leads somewhere.
        let is_whole = way.webhooks.is_none() || route.targets.iter().any(|target| target.weight > 0);
        let service = way.webhooks.as_deref().filter(|_| !is_whole).unwrap_or(way.service);
        let probed = Router { service, ..probed };
        self.routers.insert(format!("{name}_probe"), probed.on("probe"));
        if page.is_none() && route.workspace.is_none() {
            self.add_sides(name, route, &probed, ready);
        }
    }

    /// Everything but n8n's private paths.
    fn open_own(&mut self, way: &Way<'_>, formerly: Option<&Formerly>) {
        let limited = way.limited();
        let all = Router { rule: way.rule.clone(), ..way.router("", &limited, OWN_PRIORITY) };
        self.open(way.name, "", &all);
        self.open(way.name, "_refuse", &way.router(PRIVATE_PATHS, &[REFUSE], OWN_REFUSE_PRIORITY));
        if let Some(webhooks) = &way.webhooks {
            let parted = way.router(&tenancy::own_webhooks(), &limited, OWN_PARTED_PRIORITY);
            self.open(way.name, OWN_WEBHOOKS, &Router { service: webhooks, ..parted });
        }
        if let Some(formerly) = formerly {
            self.open_former_part(way, formerly);
        }
    }

    /// The addresses of a tenant's webhooks in the n8n that it shared, here and on that one's host, which services were told.
    fn open_former_part(&mut self, way: &Way<'_>, Formerly { instance, prefix, waiting }: &Formerly) {
        let [id, part, host] = ["id", "part", "host"].map(|what| format!("{}_{what}", way.name));
        self.middlewares.insert(id.clone(), tenancy::out_of_id(prefix));
        self.middlewares.insert(part.clone(), tenancy::out_of_part(prefix));
        // Behind a stand-in calls are held as they came: the tenant may be back in the n8n that it shared when they are sent again.
        let taken = if way.service == WAITING { vec![] } else { vec![id.as_str(), &part] };
        let limited = [taken, way.limited()].concat();
        let service = way.webhooks.as_deref().unwrap_or(way.service);
        let webhooks = way.router(&tenancy::former_webhooks(prefix), &limited, OWN_WEBHOOKS_PRIORITY);
        let webhooks = Router { service, ..webhooks };
        self.open(way.name, "_webhooks", &webhooks);
        if let Some(shared) = self.shared.get(instance)
            && self.entered.insert((*instance, prefix.clone()))
        {
            // On that host what is held could not be sent again once its path is another.
            self.middlewares.insert(host.clone(), tenancy::to_host(way.name));
            let moved = [vec![host.as_str()], limited].concat();
            let theirs = tenancy::waiting_of(waiting);
            let theirs = [Some(tenancy::webhooks_of(prefix)), theirs].into_iter().flatten();
            let rule = format!("Host(`{}`) && ({})", shared.host, theirs.collect::<Vec<_>>().join(" || "));
            let there = Router { rule, service, ..way.router("", &moved, WEBHOOKS_PRIORITY) };
            self.open(way.name, "_former_webhooks", &there);
        }
    }

    /// What is refused of every n8n that tenants share, once for all who live in one: their routers are many, and Traefik reads each anew with
    /// every document. Of the hosts of nobody it refuses what is refused anyway.
    fn keep_shut(&mut self) {
        let refused = Router {
            rule: tenancy::refused(),
            service: WAITING,
            middlewares: &[REFUSE],
            priority: REFUSE_PRIORITY,
        };
        self.open("shared", "_refuse", &refused);
    }

    /// Executions that wait, and nothing else but what [`Self::open_workspace`] adds: no editor, and the API for the platform alone.
    fn open_shared(&mut self, way: &Way<'_>, instance: TenantId) {
        let limited = way.limited();
        let waiting = way.router(tenancy::executions_that_wait(), &limited, ROUTE_PRIORITY);
        self.open(way.name, "_resume", &waiting);
        self.keep_shut();

        let strip = format!("{}_strip", way.name);
        self.middlewares.insert(strip.clone(), inner::strip(instance));
        let middlewares = [way.told.as_slice(), &[&strip]].concat();
        let rule = inner::api_of(instance, self.settings.tenants);
        let api = Router { rule, middlewares: &middlewares, ..way.router("", &[], ROUTE_PRIORITY) };
        self.routers.insert(format!("{}_inner", way.name), api.on("inner"));
    }

    /// The tenant's editor and its API; and its webhooks, here and on the host that services are told.
    fn open_workspace(&mut self, way: &Way<'_>, workspace: &Workspace) {
        let part = format!("{}_part", way.name);
        self.middlewares.insert(part.clone(), tenancy::into_part(&workspace.prefix));
        let (rate, bound) = tenancy::rate(workspace);
        self.middlewares.insert(rate.clone(), bound);
        let limited = [way.limited(), vec![&rate]].concat();
        let all = Router { rule: way.rule.clone(), ..way.router("", &limited, ROUTE_PRIORITY) };
        self.open(way.name, "", &all);
        // First the path, because what is told then takes away Traefik's note of the former one.
        let put = [vec![part.as_str()], limited].concat();
        let mut webhooks = way.router(&tenancy::webhooks(), &put, WEBHOOKS_PRIORITY);
        if let Some(shared) = self.shared.get(&workspace.instance)
            && self.entered.insert((workspace.instance, workspace.prefix.clone()))
        {
            let part_of_it = tenancy::webhooks_of(&workspace.prefix);
            webhooks.rule = format!("{} || Host(`{}`) && {part_of_it}", webhooks.rule, shared.host);
        }
        self.open(way.name, "_webhooks", &webhooks);
        self.keep_shut();
    }

    /// What answers for a workspace: the n8n that it is in, wherever that is; nobody as long as no route says where.
    fn service_of(&self, workspace: &Workspace) -> &'a str {
        let shared = self.shared.get(&workspace.instance).filter(|shared| shared.stand_in.is_none());
        shared.map_or(WAITING, |shared| shared.host.as_str())
    }
}
