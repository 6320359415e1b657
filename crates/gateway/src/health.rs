//! Whether this gateway, and what stands behind it, can be used. Asked by strangers, so it names no address and no
//! version, and asking often asks nobody else.

use std::{collections::BTreeMap, time::Duration};

use common::{bus::Bus, database::Statements, error::chain, secrets::Followers};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    cached::Cached,
    rates::Rates,
    store::{
        external::{self, ExternalN8n, Obstacle},
        health::{self, ClusterReport},
    },
};

/// A probe every few milliseconds costs the record one question a second.
const KEPT_FOR: Duration = Duration::from_secs(1);
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// What clusters report on. A cluster may report more; that is shown too.
const REPORTED: [&str; 3] = ["docker", "redis", "tenant_postgres"];
/// Whoever reports on them.
const PROVISIONER: &str = "provisioner";

/// Whether something can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Up,
    /// It works in part, or something that can be done without is down.
    Degraded,
    /// It does not work.
    Down,
    /// Nobody has said for half a minute.
    Unknown,
}

/// Everything known, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub dependencies: BTreeMap<String, State>,
    /// Those that should be working.
    pub clusters: Vec<Cluster>,
    /// The n8ns that the platform does not run and tenants share.
    pub external_n8ns: Vec<External>,
}

/// An n8n that the platform does not run, and what cannot be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExternalN8nHealth)]
pub struct External {
    #[schema(example = "shared-external")]
    name: String,
    #[schema(example = "local")]
    cluster: String,
    /// `up`: tenants may live in it.
    status: State,
    /// Why they may not, and why what is asked for those who do is refused.
    obstacles: Vec<Obstacle>,
}

impl From<ExternalN8n> for External {
    fn from(found: ExternalN8n) -> Self {
        let ExternalN8n { name, cluster_id, obstacles } = found;
        let status = if obstacles.is_empty() { State::Up } else { State::Down };
        Self { name, cluster: cluster_id, status, obstacles: obstacles.0 }
    }
}

/// A cluster, as its provisioners were last heard of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cluster {
    #[schema(example = "local")]
    id: String,
    /// `down` once none of them has said anything for half a minute.
    provisioner: State,
    #[serde(with = "rfc3339")]
    last_seen_at: OffsetDateTime,
    /// What their absence means.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

const ABSENCE: &str = "Its tenants keep running and stay reachable. Operations wait, nothing is healed, and how its other dependencies are is not \
     known, until a provisioner is back.";

impl Cluster {
    fn of(report: &ClusterReport) -> Self {
        let (provisioner, detail) =
            if report.fresh { (State::Up, None) } else { (State::Down, Some(ABSENCE)) };
        Self { id: report.id.clone(), provisioner, last_seen_at: report.heartbeat_at, detail }
    }
}

impl Report {
    /// The state of the whole: down with a needed part, degraded with any other.
    pub fn state(&self) -> State {
        // An engine that belongs to another record is of no use, however well it answers.
        let needed = |name: &str| matches!(name, "database" | "engine") || REPORTED.contains(&name);
        if self.dependencies.iter().any(|(name, state)| *state == State::Down && needed(name)) {
            State::Down
        } else if self.dependencies.values().all(|state| *state == State::Up) {
            State::Up
        } else {
            State::Degraded
        }
    }

    /// Those who live in one that cannot be used have everything but what the platform does for them.
    fn note_external(&mut self, external_n8ns: Vec<External>) {
        let up = |external: &External| external.status == State::Up;
        if !external_n8ns.is_empty() {
            let state = if external_n8ns.iter().all(up) { State::Up } else { State::Degraded };
            self.dependencies.insert("external_n8n".to_owned(), state);
        }
        self.external_n8ns = external_n8ns;
    }

    /// How many clusters have not said anything lately.
    pub fn silent_clusters(&self) -> usize {
        self.clusters.iter().filter(|cluster| cluster.provisioner == State::Down).count()
    }

    /// Whether the record can be used, if only for reading: what this process cannot do anything without.
    pub fn serving(&self) -> bool {
        matches!(self.dependencies.get("database"), Some(State::Up | State::Degraded))
    }
}

/// Looks at what this gateway stands on.
pub struct Health {
    statements: Statements,
    bus: Bus,
    rates: Rates,
    secrets: Followers,
    last: Cached<Report>,
}

impl Health {
    /// Of a gateway that uses these.
    pub fn new(statements: Statements, bus: Bus, rates: Rates, secrets: Followers) -> Self {
        Self { statements, bus, rates, secrets, last: Cached::default() }
    }

    /// The report, at most a second old.
    pub async fn report(&self) -> Report {
        self.last.get(|_| KEPT_FOR, async || self.look().await).await
    }

    async fn look(&self) -> Report {
        let statements = &self.statements;
        let record = async {
            tokio::try_join!(
                health::cluster_reports(statements),
                health::takes_writes(statements),
                external::all(statements)
            )
        };
        let mut external_n8ns = vec![];
        let (clusters, writes) = match tokio::time::timeout(ANSWERED_WITHIN, record).await {
            Ok(Ok((clusters, writes, external))) => {
                external_n8ns = external.into_iter().map(External::from).collect();
                (Some(clusters), writes)
            }
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "the database does not answer");
                (None, true)
            }
            Err(_) => {
                tracing::warn!("the database does not answer in time");
                (None, true)
            }
        };
        let nats = if self.bus.is_connected() { State::Up } else { State::Down };
        let mut report = assemble(clusters.as_deref(), nats);
        report.note_external(external_n8ns);
        if !writes {
            // What is there can be read, and nothing be asked for.
            report.dependencies.insert("database".to_owned(), State::Degraded);
        }
        if let Some(shared) = self.rates.are_shared() {
            // Without Redis the limits are there still, for each gateway by itself.
            let state = if shared { State::Up } else { State::Degraded };
            report.dependencies.insert("rate_limits".to_owned(), state);
        }
        if let Some(fresh) = self.secrets.are_fresh() {
            // Without their backend this gateway goes on with those that it has.
            let state = if fresh { State::Up } else { State::Degraded };
            report.dependencies.insert("secrets".to_owned(), state);
        }
        report
    }
}

/// `clusters` is `None` when the record could not be asked.
fn assemble(clusters: Option<&[ClusterReport]>, nats: State) -> Report {
    let database = if clusters.is_some() { State::Up } else { State::Down };
    let mut dependencies = BTreeMap::from([("database".to_owned(), database), ("nats".to_owned(), nats)]);
    let clusters = clusters.unwrap_or_default();
    let heard_of: Vec<Cluster> = clusters.iter().map(Cluster::of).collect();
    let provisioners: Vec<State> = heard_of.iter().map(|cluster| cluster.provisioner).collect();
    dependencies.insert(PROVISIONER.to_owned(), together(&provisioners));
    let names = clusters.iter().flat_map(|cluster| cluster.dependencies.keys().map(String::as_str));
    for name in REPORTED.into_iter().chain(names) {
        let states: Vec<State> = clusters.iter().map(|cluster| state_in(cluster, name)).collect();
        dependencies.entry(name.to_owned()).or_insert_with(|| together(&states));
    }
    // Where no backups are made there is nothing to be told of them.
    let backup: Vec<_> =
        clusters.iter().filter_map(|cluster| cluster.backup.as_deref()).map(state_of).collect();
    let store: Vec<_> =
        clusters.iter().filter_map(|cluster| cluster.backup_store.as_deref()).map(state_of).collect();
    for (name, states) in [("backup", backup), ("backup_store", store)] {
        if !states.is_empty() {
            dependencies.insert(name.to_owned(), together(&states));
        }
    }
    Report { dependencies, clusters: heard_of, external_n8ns: vec![] }
}

fn state_in(cluster: &ClusterReport, name: &str) -> State {
    match cluster.dependencies.get(name).and_then(serde_json::Value::as_str) {
        Some(word) if cluster.fresh => state_of(word),
        _ => State::Unknown,
    }
}

fn state_of(word: &str) -> State {
    match word {
        "up" => State::Up,
        "degraded" => State::Degraded,
        "down" => State::Down,
        _ => State::Unknown,
    }
}

/// Several clusters' word on one dependency: whatever works in one of them works in part.
fn together(states: &[State]) -> State {
    match states {
        [] => State::Unknown,
        [first, rest @ ..] if rest.iter().all(|state| state == first) => *first,
        states if states.iter().any(|state| matches!(state, State::Up | State::Degraded)) => State::Degraded,
        _ => State::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::types::Json;

    fn cluster(fresh: bool, pairs: &[(&str, &str)]) -> ClusterReport {
        let dependencies = pairs.iter().map(|(name, word)| ((*name).to_owned(), (*word).into())).collect();
        let heartbeat_at = OffsetDateTime::UNIX_EPOCH;
        let dependencies = Json(dependencies);
        ClusterReport {
            id: "local".into(),
            heartbeat_at,
            fresh,
            dependencies,
            backup: None,
            backup_store: None,
        }
    }

    const ALL_UP: &[(&str, &str)] = &[("docker", "up"), ("redis", "up"), ("tenant_postgres", "up")];

    #[test]
    fn everything_up_is_up() {
        assert_eq!(assemble(Some(&[cluster(true, ALL_UP)]), State::Up).state(), State::Up);
    }

    #[test]
    fn without_the_bus_work_is_only_slower() {
        let report = assemble(Some(&[cluster(true, ALL_UP)]), State::Down);
        assert_eq!((report.state(), report.serving()), (State::Degraded, true));
    }

    #[test]
    fn a_stale_word_is_no_word() {
        let report = assemble(Some(&[cluster(false, &[("docker", "down")])]), State::Up);
        assert_eq!(report.dependencies["docker"], State::Unknown);
        assert_eq!((report.state(), report.silent_clusters()), (State::Degraded, 1));
    }

    #[test]
    fn a_provisioner_that_is_gone_is_named() {
        let gone = assemble(Some(&[cluster(false, ALL_UP)]), State::Up);
        assert_eq!((gone.state(), gone.dependencies["provisioner"]), (State::Degraded, State::Down));
        assert_eq!((gone.clusters[0].provisioner, gone.clusters[0].detail), (State::Down, Some(ABSENCE)));
        let one_of_two = assemble(Some(&[cluster(false, ALL_UP), cluster(true, ALL_UP)]), State::Up);
        assert_eq!(one_of_two.dependencies["provisioner"], State::Degraded);
        assert_eq!(assemble(Some(&[]), State::Up).dependencies["provisioner"], State::Unknown);
    }

    #[test]
    fn without_backups_everything_goes_on_and_where_there_are_none_nothing_is_told() {
        let report = assemble(Some(&[cluster(true, ALL_UP)]), State::Up);
        assert!(!report.dependencies.contains_key("backup"));
        let of = |backup: &str, store: &str| {
            let (backup, backup_store) = (Some(backup.to_owned()), Some(store.to_owned()));
            let report =
                assemble(Some(&[ClusterReport { backup, backup_store, ..cluster(true, ALL_UP) }]), State::Up);
            (report.state(), report.dependencies["backup"], report.dependencies["backup_store"])
        };
        assert_eq!(of("up", "up"), (State::Up, State::Up, State::Up));
        assert_eq!(of("up", "down"), (State::Degraded, State::Up, State::Down));
        assert_eq!(of("down", "unknown"), (State::Degraded, State::Down, State::Unknown));
    }

    #[test]
    fn a_needed_part_that_is_down_everywhere_is_down() {
        let down = [("docker", "down"), ("redis", "up"), ("tenant_postgres", "up")];
        assert_eq!(assemble(Some(&[cluster(true, &down)]), State::Up).state(), State::Down);
        let two = [cluster(true, &down), cluster(true, ALL_UP)];
        assert_eq!(assemble(Some(&two), State::Up).state(), State::Degraded);
    }

    #[test]
    fn an_engine_of_another_record_is_as_good_as_none() {
        let stranger = [ALL_UP, &[("engine", "down")]].concat();
        assert_eq!(assemble(Some(&[cluster(true, &stranger)]), State::Up).state(), State::Down);
    }

    #[test]
    fn an_n8n_of_somebody_elses_that_cannot_be_used_is_listed_and_takes_nothing_else_down() {
        let found = |obstacles: Vec<Obstacle>| {
            External::from(ExternalN8n {
                name: "theirs".into(),
                cluster_id: "local".into(),
                obstacles: Json(obstacles),
            })
        };
        let lacks = Obstacle { code: "no_database".into(), detail: "There is none.".into(), passes: false };
        let mut report = assemble(Some(&[cluster(true, ALL_UP)]), State::Up);
        report.note_external(vec![found(vec![])]);
        assert_eq!((report.state(), report.dependencies["external_n8n"]), (State::Up, State::Up));
        report.note_external(vec![found(vec![lacks]), found(vec![])]);
        assert_eq!((report.state(), report.dependencies["external_n8n"]), (State::Degraded, State::Degraded));
        assert_eq!(report.external_n8ns[0].status, State::Down);
    }

    #[test]
    fn without_the_record_nothing_can_be_said() {
        let report = assemble(None, State::Up);
        assert_eq!((report.state(), report.serving()), (State::Down, false));
        assert_eq!(report.dependencies["docker"], State::Unknown);
    }
}
