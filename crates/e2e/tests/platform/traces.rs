//! One command is one trace, from its request over NATS to every step of its operation, and the log says which.

use std::{collections::HashMap, time::Duration};

use common::config::{Env, Section};
use e2e::{Api, Command, Service, eventually};
use reqwest::Client;
use serde_json::Value;

/// Spans are sent every five seconds.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

struct Jaeger(u16);

impl Section for Jaeger {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("RP9_JAEGER_PORT", 16686).map(Self)
    }
}

/// A span, by what matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    service: String,
    name: String,
    /// The name of the span that it is a part of.
    within: Option<String>,
    outcome: Option<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What Jaeger knows of a trace.
async fn spans(trace: &str) -> Result<Vec<Span>, String> {
    let Jaeger(port) = Env::of_process().load().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{port}/api/traces/{trace}")).send().await;
    let answer: Value = answer.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
    let (processes, spans) = (&answer["data"][0]["processes"], &answer["data"][0]["spans"]);
    let spans = spans.as_array().ok_or_else(|| answer.to_string())?;
    let names: HashMap<_, _> =
        spans.iter().map(|span| (text(&span["spanID"]), text(&span["operationName"]))).collect();
    let read = |span: &Value| Span {
        service: text(&processes[text(&span["processID"])]["serviceName"]),
        name: text(&span["operationName"]),
        within: names.get(&text(&span["references"][0]["spanID"])).cloned(),
        outcome: span["tags"]
            .as_array()
            .and_then(|tags| tags.iter().find(|tag| tag["key"] == "otel.outcome"))
            .map(|tag| text(&tag["value"])),
    };
    Ok(spans.iter().map(read).collect())
}

fn span(service: &str, name: &str, within: Option<&str>) -> Span {
    Span { service: service.into(), name: name.into(), within: within.map(str::to_owned), outcome: None }
}

/// What a trace of this operation has to show.
fn expected(steps: &[Value]) -> Vec<Span> {
    let mut expected = vec![
        span("gateway", "POST /tenants", None),
        span("gateway", "send OperationQueued", Some("POST /tenants")),
        span("provisioner", "handle ProvisionerCommand", Some("send OperationQueued")),
        span("provisioner", "operation", Some("POST /tenants")),
    ];
    expected.extend(steps.iter().map(|step| Span {
        outcome: Some("succeeded".into()),
        ..span("provisioner", &format!("tenant.create {}", text(&step["name"])), Some("operation"))
    }));
    expected
}

/// Lines of this service that are of this trace.
fn lines(service: &str, trace: &str) -> Vec<Value> {
    let logs = Service::of(service).logs();
    let lines = logs.lines().filter(|line| line.contains(trace));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["trace_id"] == trace)
        .collect()
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_new_tenant_is_one_trace_from_its_request_to_its_last_step() {
    let api = Api::of_environment();
    let (answer, trace) = api.traced(&Command::create_sharing("starter")).await;
    let (tenant, operation) = (text(&answer.body["tenant_id"]), text(&answer.body["operation_id"]));
    api.succeeds(&operation).await;
    let steps = api.get(&format!("/operations/{operation}")).await.unwrap().body["data"]["steps"].take();
    let steps = steps.as_array().unwrap();
    assert!(steps.len() >= 4, "{steps:?}");
    eventually("the trace is whole", TOLD_WITHIN, async || {
        let found = spans(&trace).await?;
        let missing: Vec<_> = expected(steps).into_iter().filter(|span| !found.contains(span)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} is not among {found:?}")) }
    })
    .await;
    let request = &lines("gateway", &trace)[0];
    assert_eq!(
        (&request["msg"], &request["operation_id"]),
        (&"request".into(), &answer.body["operation_id"])
    );
    let ended = lines("provisioner", &trace);
    assert!(ended.iter().any(|line| line["operation_id"] == operation && line["outcome"] == "succeeded"));
    api.delete_tenant(&tenant).await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn what_machines_ask_all_the_time_is_no_trace() {
    let api = Api::of_environment();
    let (_, trace) = api.traced(&Command::delete("ten_00000000000000000000000000000000")).await;
    eventually("what was refused is a trace", TOLD_WITHIN, async || spans(&trace).await).await;
    let Jaeger(port) = Env::of_process().load().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let names = client.get(format!("http://127.0.0.1:{port}/api/services/gateway/operations")).send().await;
    let names = names.unwrap().text().await.unwrap();
    assert!(names.contains("DELETE /tenants"), "{names}");
    for polled in ["/healthz", "/edge/routes.json"] {
        assert!(!names.contains(polled), "{names}");
    }
}
