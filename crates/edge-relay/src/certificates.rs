//! Looks after the certificates that callers are shown: which are there and until when, and which Traefik is to order now.

mod names;
mod orders;
mod shown;
mod watched;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    net::IpAddr,
    time::Duration,
};

use common::{
    error::chain,
    service::{Interval, Round, Tasks},
};
use edge::{Certificate, Route};
use futures::StreamExt as _;

use crate::{config::Keeping, memory::Memory, metrics, relay::Relay};
use names::Names;
use orders::Orders;
use shown::{Looker, Shown};
use watched::{Seen, State, Watched};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Each is a connection of Traefik's, and a question to the DNS.
const AT_ONCE: usize = 32;

/// So many in one round: of those that wait longest.
const IN_A_ROUND: usize = 64;

/// Looks after them until the process stops.
pub fn keep(tasks: &Tasks, relay: Relay, memory: Memory, keeping: Keeping) -> anyhow::Result<()> {
    let (looker, names) = (Looker::at(keeping.asked_at.clone())?, Names::told_by(&keeping.servers)?);
    let orders = Orders::after(memory.ordered()?);
    let keeper = Keeper { relay, memory, keeping, looker, names, orders, watched: BTreeMap::new() };
    tasks.every(Interval::new("certificates", LOOK_EVERY).silent(), keeper);
    Ok(())
}

struct Keeper {
    relay: Relay,
    memory: Memory,
    keeping: Keeping,
    looker: Looker,
    names: Names,
    orders: Orders,
    watched: BTreeMap<Certificate, Watched>,
}

impl Round for Keeper {
    type Error = Infallible;

    async fn run(&mut self) -> Result<(), Infallible> {
        let Some(followed) = self.relay.followed() else { return Ok(()) };
        let wanted = self.keeping.tls.certificates(&followed.routes);
        self.watched.retain(|certificate, _| wanted.contains(certificate));
        for certificate in wanted {
            self.watched.entry(certificate).or_default();
        }
        let due = self.due();
        let ours = self.ours(&due, &followed.routes).await;
        let looks: Vec<_> =
            due.into_iter().map(|certificate| self.look(certificate, ours.as_ref())).collect();
        let seen: Vec<_> = futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        seen.into_iter().for_each(|(certificate, seen)| self.note(&certificate, seen));
        self.order().await;
        self.tell();
        Ok(())
    }
}

impl Keeper {
    /// Those whose turn it is.
    fn due(&self) -> Vec<Certificate> {
        let mut due: Vec<_> = self.watched.iter().filter(|(_, watched)| watched.is_due()).collect();
        due.sort_by_key(|(_, watched)| watched.looked_at());
        due.into_iter().take(IN_A_ROUND).map(|(certificate, _)| certificate.clone()).collect()
    }

    /// Where the edge is, if anybody's domain is to be compared with it.
    async fn ours(&self, due: &[Certificate], routes: &[Route]) -> Option<BTreeSet<IpAddr>> {
        due.iter().find(|certificate| matches!(certificate, Certificate::Custom(_)))?;
        let is_own = |host: &_| matches!(self.keeping.tls.certificate_for(host), Certificate::Wildcard(_));
        let tenant = routes.iter().map(|route| &route.host).find(|host| is_own(host));
        self.names.ours(&self.keeping.addresses, tenant).await
    }

    async fn look(&self, certificate: Certificate, ours: Option<&BTreeSet<IpAddr>>) -> (Certificate, Seen) {
        let leads_here = self.leads(&certificate, ours).await;
        let seen = Seen { shown: self.looker.look(&certificate).await, leads_here };
        (certificate, seen)
    }

    /// Issuers ask nobody about the platform's own: the proof of that is in the DNS. `None` if nobody says.
    async fn leads(&self, certificate: &Certificate, ours: Option<&BTreeSet<IpAddr>>) -> Option<bool> {
        match certificate {
            Certificate::Wildcard(_) => Some(true),
            Certificate::Custom(host) => Some(!self.names.addresses(host).await?.is_disjoint(ours?)),
        }
    }

    fn note(&mut self, certificate: &Certificate, seen: Seen) {
        let Some(watched) = self.watched.get_mut(certificate) else { return };
        let leads_again = seen.leads_here == Some(true) && watched.state() == Some(State::Astray);
        if let Some(state) = watched.note(seen) {
            let ends = watched.ends().map(|at| at.to_string());
            tracing::info!(%certificate, state = state.as_str(), ends, "a certificate is seen");
        }
        if leads_again || matches!(seen.shown, Shown::Until(_)) {
            self.orders.begin_anew(certificate);
        }
    }

    /// Asks Traefik for those that are missing and whose turn it is, for a moment.
    async fn order(&mut self) {
        if self.relay.is_asking() {
            return;
        }
        let missing = self.watched.iter().filter(|(_, watched)| watched.state() == Some(State::Missing));
        let missing = missing.map(|(certificate, _)| certificate).filter(|it| self.keeping.tls.orders(it));
        let ordered = self.orders.take(missing, common::clock::now());
        if ordered.is_empty() {
            return;
        }
        self.remember().await;
        for certificate in &ordered {
            tracing::info!(%certificate, "Traefik is asked to order a certificate");
            metrics::ordered(certificate);
            self.watched.entry(certificate.clone()).or_default().is_ordered();
        }
        self.relay.ask(ordered.into_iter().collect());
    }

    /// Before it is done: whoever crashes over it must not begin with it again.
    async fn remember(&self) {
        let (memory, past) = (self.memory.clone(), self.orders.past().clone());
        let remembered = tokio::task::spawn_blocking(move || memory.tell_ordered(&past)).await;
        if let Ok(Err(error)) = remembered {
            tracing::error!(error = chain(&error), "certificates are ordered, but it is not remembered");
        }
    }

    fn tell(&self) {
        for kind in Certificate::KINDS {
            let of_kind = self.watched.iter().filter(|(certificate, _)| certificate.kind() == kind);
            let of_kind: Vec<_> = of_kind.map(|(_, watched)| watched).collect();
            let amount = |state| of_kind.iter().filter(|watched| watched.state() == Some(state)).count();
            let here = of_kind.iter().filter(|watched| watched.state() != Some(State::Astray));
            let first_end = here.filter_map(|watched| watched.ends()).min();
            metrics::certificates(kind, State::ALL.map(|state| (state.as_str(), amount(state))), first_end);
        }
    }
}
