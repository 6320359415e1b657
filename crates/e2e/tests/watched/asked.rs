//! What dashboards ask Prometheus for, and what a query needs to be there.

use std::{collections::BTreeSet, fs, path::Path};

use promql_parser::{
    label::MatchOp,
    parser::{self, Expr, LabelModifier, VectorSelector},
};
use serde_json::Value;

/// Four looks: what Grafana takes where one looks every 15 seconds.
const RATE_INTERVAL: &str = "1m";

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboards");

/// One question for Prometheus.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Where it stands.
    pub place: String,
    pub promql: String,
    /// What the variables of its dashboard stand for.
    pub variables: Vec<(&'static str, String)>,
    /// Labels that its lines are named by.
    pub legend: Vec<String>,
    pub instant: bool,
    /// A rule may well have no answer: most alerts do not stand.
    pub is_rule: bool,
}

/// Every query of every dashboard, for this tenant and this host.
pub fn of_dashboards(tenant: &str, host: &str) -> Vec<Query> {
    let mut files: Vec<_> = fs::read_dir(DASHBOARDS).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| of_dashboard(file, tenant, host)).collect()
}

fn of_dashboard(file: &Path, tenant: &str, host: &str) -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let title = dashboard["title"].as_str().unwrap().to_owned();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels = panels.filter(|panel| panel["datasource"]["type"] == "prometheus");
    let of_panels = panels.flat_map(|panel| {
        let place = format!("{title}, {}", panel["title"].as_str().unwrap());
        panel["targets"].as_array().unwrap().iter().map(move |target| Query {
            place: place.clone(),
            promql: target["expr"].as_str().unwrap().replace("$__rate_interval", RATE_INTERVAL),
            variables: vec![("$tenant", tenant.to_owned()), ("$host", host.to_owned())],
            legend: names_in(target["legendFormat"].as_str().unwrap_or_default()),
            instant: target["instant"] == true,
            is_rule: false,
        })
    });
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let of_variables = variables.filter(|variable| variable["type"] == "query").map(|variable| {
        let query = variable["query"]["query"].as_str().unwrap();
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
        let (selector, label) = inner.rsplit_once(',').unwrap();
        Query {
            place: format!("{title}, ${}", variable["name"].as_str().unwrap()),
            promql: selector.to_owned(),
            legend: vec![label.trim().to_owned()],
            instant: true,
            ..Query::default()
        }
    });
    of_panels.chain(of_variables).collect()
}

impl Query {
    /// As Prometheus is asked.
    pub fn filled(&self) -> String {
        self.fill(&self.promql)
    }

    fn fill(&self, text: &str) -> String {
        let filled =
            self.variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
        assert!(!filled.contains('$'), "a variable that nobody fills in: {filled}");
        filled
    }
}

/// `{{tenant}}: {{kind}}` names two labels.
fn names_in(legend: &str) -> Vec<String> {
    legend.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim().to_owned())).collect()
}

/// Series that a query takes something from.
#[derive(Debug)]
pub struct Selector {
    /// As it is written, but for its offset.
    pub written: String,
    /// As Prometheus is asked.
    pub text: String,
    pub name: String,
    /// Labels that it is chosen by.
    pub matched: BTreeSet<String>,
    /// Labels that it is summed up or joined by.
    pub labels: BTreeSet<String>,
}

/// What a query takes something from.
pub fn selectors(query: &Query) -> Vec<Selector> {
    let promql = &query.promql;
    let expression = parser::parse(promql).unwrap_or_else(|error| panic!("{promql}: {error}"));
    let mut found = Vec::new();
    collect(&expression, &BTreeSet::new(), &mut found);
    found.iter_mut().for_each(|selector: &mut Selector| selector.text = query.fill(&selector.written));
    found
}

fn collect(expression: &Expr, labels: &BTreeSet<String>, found: &mut Vec<Selector>) {
    let mut with = |modifier: Option<&LabelModifier>, inner: &[&Expr]| {
        let by = modifier.filter(|modifier| modifier.is_include()).map(LabelModifier::labels);
        let labels = labels.iter().chain(by.into_iter().flat_map(|by| &by.labels)).cloned().collect();
        inner.iter().for_each(|inner| collect(inner, &labels, found));
    };
    match expression {
        Expr::VectorSelector(selector) => found.push(read(selector, labels)),
        Expr::MatrixSelector(selector) => found.push(read(&selector.vs, labels)),
        Expr::Aggregate(it) => with(it.modifier.as_ref(), &[&it.expr]),
        Expr::Binary(it) => {
            let matching = it.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
            with(matching, &[&it.lhs, &it.rhs]);
        }
        Expr::Unary(it) => with(None, &[&it.expr]),
        Expr::Paren(it) => with(None, &[&it.expr]),
        Expr::Subquery(it) => with(None, &[&it.expr]),
        Expr::Call(it) => it.args.args.iter().for_each(|argument| with(None, &[argument])),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn read(selector: &VectorSelector, labels: &BTreeSet<String>) -> Selector {
    let plain = VectorSelector { offset: None, at: None, ..selector.clone() };
    let chosen =
        selector.matchers.matchers.iter().filter(|it| matches!(it.op, MatchOp::Equal | MatchOp::Re(_)));
    Selector {
        written: plain.to_string(),
        text: String::new(),
        name: selector.name.clone().unwrap_or_else(|| panic!("a name is needed: {plain}")),
        matched: chosen.map(|it| it.name.clone()).collect(),
        labels: labels.clone(),
    }
}
