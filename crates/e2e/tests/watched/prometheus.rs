//! Prometheus, by its HTTP API.

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use common::config::{Env, Section};
use reqwest::Client;
use serde_json::Value;

use crate::asked::Query;

/// How far back a series counts as there, in seconds.
const LATELY: u64 = 3600;
/// What of a graph is asked for, in seconds.
const SHOWN: u64 = 600;

/// The one of the platform.
pub struct Prometheus {
    client: Client,
    url: String,
}

struct Port(u16);

impl Section for Port {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("RP9_PROMETHEUS_PORT", 9090).map(Self)
    }
}

impl Prometheus {
    pub fn of_environment() -> Self {
        let Port(port) = Env::of_process().load().unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { client, url: format!("http://127.0.0.1:{port}/api/v1") }
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let url = reqwest::Url::parse_with_params(&format!("{}/{path}", self.url), query).unwrap();
        let answer = self.client.get(url).send().await.map_err(|error| error.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer.to_string()) }
    }

    /// The names of the labels of each series that was there lately.
    pub async fn labels_of(&self, selector: &str) -> Vec<BTreeSet<String>> {
        let start = (now() - LATELY).to_string();
        let series = self.ask("series", &[("match[]", selector), ("start", &start)]).await.unwrap();
        let names = |series: &Value| series.as_object().unwrap().keys().cloned().collect();
        series.as_array().unwrap().iter().map(names).collect()
    }

    /// Whether somebody who is looked at has described this metric.
    pub async fn knows(&self, metric: &str) -> bool {
        let known = self.ask("metadata", &[("metric", metric)]).await.unwrap();
        known.as_object().is_some_and(|known| !known.is_empty())
    }

    /// What a query is answered, as Grafana would ask it; or that it is nothing, or that lines cannot be named.
    pub async fn answer(&self, query: &Query) -> Result<(), String> {
        let (now, start) = (now().to_string(), (now() - SHOWN).to_string());
        let promql = query.filled();
        let answer = if query.instant {
            self.ask("query", &[("query", &promql)]).await
        } else {
            let range = [("query", &*promql), ("start", &start), ("end", &now), ("step", "15")];
            self.ask("query_range", &range).await
        };
        let answer = answer?["result"].take();
        let series = answer.as_array().cloned().unwrap_or_default();
        if series.is_empty() {
            return Err(format!("{promql}: it has no answer"));
        }
        let named = |label: &String| series.iter().any(|series| series["metric"].get(label).is_some());
        match query.legend.iter().find(|label| !named(label)) {
            Some(label) => Err(format!("{promql}: its legend names {label}, which no line has")),
            None => Ok(()),
        }
    }

    /// Every rule that is loaded.
    pub async fn rules(&self) -> Vec<Query> {
        let groups = self.ask("rules", &[]).await.unwrap();
        let groups = groups["groups"].as_array().cloned().unwrap();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
        let read = |rule: &Value| Query {
            place: format!("the rule {}", rule["name"].as_str().unwrap()),
            promql: rule["query"].as_str().unwrap().to_owned(),
            is_rule: true,
            ..Query::default()
        };
        rules.map(read).collect()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
