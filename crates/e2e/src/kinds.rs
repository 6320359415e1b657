//! Workflows whose executions are of each kind that is counted.

use serde_json::{Value, json};

use crate::{Answers, webhook_workflow};

fn node(name: &str, kind: &str, version: f64, parameters: Value) -> Value {
    let id = uuid::Uuid::now_v7().to_string();
    json!({ "id": id, "name": name, "position": [200, 0], "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version, "parameters": parameters })
}

/// Listens at this path, and then this node runs.
fn listening(path: &str, node: Value) -> Value {
    let mut workflow = webhook_workflow(path, Answers::WhenFinished);
    workflow["connections"] =
        json!({ "Webhook": { "main": [[{ "node": node["name"], "type": "main", "index": 0 }]] } });
    workflow["nodes"][1] = node;
    workflow
}

/// The same, and nothing of its runs is saved.
pub fn unsaved(mut workflow: Value) -> Value {
    workflow["settings"] = json!({ "saveDataSuccessExecution": "none", "saveDataErrorExecution": "none" });
    workflow
}

/// A workflow that fails whenever it is called.
pub fn failing_workflow(path: &str) -> Value {
    listening(path, node("Fail", "stopAndError", 1.0, json!({ "errorMessage": "as told" })))
}

/// A workflow that others run as a step.
pub fn called_workflow() -> Value {
    let trigger = node("Begin", "executeWorkflowTrigger", 1.1, json!({ "inputSource": "passthrough" }));
    unsaved(json!({ "name": "called", "settings": {}, "connections": {}, "nodes": [trigger] }))
}

/// A workflow that runs this one as a step.
pub fn calling_workflow(path: &str, id: &str) -> Value {
    let which = json!({ "__rl": true, "mode": "id", "value": id });
    listening(path, node("Call", "executeWorkflow", 1.2, json!({ "workflowId": which, "options": {} })))
}
