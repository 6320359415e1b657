//! A stateful stand-in for the edge, for simulation and for tests of whoever uses it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{Edge, EdgeError, Host, Mark, Route};

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct EdgeWorld(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    table: BTreeMap<Host, Route>,
    in_force: BTreeMap<Host, Route>,
    lagging: bool,
    unreachable: bool,
    failures: VecDeque<()>,
    entries: Vec<Entry>,
}

/// One question asked of the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub verb: &'static str,
    pub host: Host,
    pub actor: String,
    pub confirmed: bool,
}

impl EdgeWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on this world whose questions carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeEdge {
        FakeEdge { world: self.clone(), actor: name.to_owned() }
    }

    /// The whole table of routes as it is now, as a poll of the real edge finds it.
    pub fn publish(&self, routes: impl IntoIterator<Item = Route>) {
        let mut state = self.state();
        state.table = routes.into_iter().map(|route| (route.host.clone(), route)).collect();
        state.poll();
    }

    /// While it lags, the edge does not look at the table.
    pub fn set_lagging(&self, lagging: bool) {
        let mut state = self.state();
        state.lagging = lagging;
        state.poll();
    }

    /// Takes the edge away, or brings it back.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().unreachable = unreachable;
    }

    /// Makes the next question fail as if the edge were away; further calls queue up.
    pub fn fail_once(&self) {
        self.state().failures.push_back(());
    }

    /// Every question so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }
}

impl State {
    fn poll(&mut self) {
        if !self.lagging {
            self.in_force = self.table.clone();
        }
    }

    fn mark(&self, host: &Host) -> Option<Mark> {
        self.in_force.get(host).and_then(Route::mark)
    }
}

/// One actor's handle on an [`EdgeWorld`].
#[derive(Debug, Clone)]
pub struct FakeEdge {
    world: EdgeWorld,
    actor: String,
}

impl FakeEdge {
    fn ask(&self, verb: &'static str, host: &Host, expected: Option<Mark>) -> Result<(), EdgeError> {
        let mut state = self.world.state();
        let away = state.unreachable || state.failures.pop_front().is_some();
        let seen = state.mark(host);
        let confirmed = !away && seen == expected;
        state.entries.push(Entry { verb, host: host.clone(), actor: self.actor.clone(), confirmed });
        if away {
            return Err(EdgeError::Unavailable("the edge was taken away".into()));
        }
        let seen = seen.map_or("no route".to_owned(), |mark| mark.to_string());
        if confirmed { Ok(()) } else { Err(EdgeError::NotYet { seen }) }
    }
}

#[async_trait]
impl Edge for FakeEdge {
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError> {
        self.ask("confirm", host, Some(expected))
    }

    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError> {
        self.ask("confirm_gone", host, None)
    }
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;
    use common::tenant::{Color, Purpose};

    use super::*;
    use crate::Target;

    #[tokio::test]
    async fn a_lagging_edge_confirms_only_what_it_has_seen() {
        let url = "http://10.0.0.2:5678".parse().unwrap();
        let host: Host = "acme.localhost".parse().unwrap();
        let targets = vec![Target { color: Color::Blue, url, weight: 1, webhook_weight: None }];
        let route = Route {
            host: host.clone(),
            tenant: TenantId::generate(),
            purpose: Purpose::Customer,
            targets,
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: 1,
        };
        let (world, mark) = (EdgeWorld::default(), route.mark().unwrap());
        let edge = world.actor("a");
        world.set_lagging(true);
        world.publish([route]);
        assert!(matches!(edge.confirm(&host, mark).await, Err(EdgeError::NotYet { .. })));
        edge.confirm_gone(&host).await.unwrap();
        world.set_lagging(false);
        edge.confirm(&host, mark).await.unwrap();
        world.fail_once();
        assert!(matches!(edge.confirm(&host, mark).await, Err(EdgeError::Unavailable(_))));
        world.publish([]);
        edge.confirm_gone(&host).await.unwrap();
        assert_eq!(world.ledger().iter().filter(|entry| entry.confirmed).count(), 3);
    }
}
