//! Whose a webhook is, its path says: what `hooks/paths.cjs` does inside n8n when a tenant saves, for what the platform itself writes there.
//! n8n keeps the version it was given when it sees no change in it, so that has the prefix already. The cases in `hooks/paths.cases.json` are
//! those of both.

use serde_json::Value;

use super::ProjectId;

/// Puts every node that listens under the project's prefix. Repeating it changes nothing.
pub fn adopt(project: &ProjectId, nodes: &mut [Value]) {
    let prefix = project.as_str();
    for node in nodes.iter_mut().filter(|node| listens(node)) {
        each_path(node, |path| prefixed(prefix, path));
        let id = adopted_id(prefix, node);
        set_id(node, id);
    }
}

/// Takes the project's prefix away again, for an n8n that is the tenant's alone. What does not have the prefix is left alone.
pub fn strip(project: &ProjectId, nodes: &mut [Value]) {
    let prefix = project.as_str();
    for node in nodes.iter_mut().filter(|node| listens(node)) {
        each_path(node, |path| stripped(prefix, path));
        let id = webhook_id(node).unwrap_or_default();
        let rest = if id == prefix { "" } else { behind(prefix, id).unwrap_or(id) };
        let id = if rest.is_empty() { own_id(prefix) } else { rest.to_owned() };
        set_id(node, id);
    }
}

/// The id of a webhook where nothing is left of the one that it had. The same for each such node and version, so that the edge can lead the former
/// address of a path with parameters, `/webhook/P/P/users/5`, to `/webhook/P-own/users/5`; and never mistaken for the prefix, which a slash follows.
fn own_id(prefix: &str) -> String {
    format!("{prefix}-own")
}

/// n8n gives every node that listens such an id before it asks its hooks.
fn listens(node: &Value) -> bool {
    webhook_id(node).is_some_and(|id| !id.is_empty())
}

fn webhook_id(node: &Value) -> Option<&str> {
    node.get("webhookId")?.as_str()
}

fn set_id(node: &mut Value, id: String) {
    if let Some(place) = node.get_mut("webhookId") {
        *place = id.into();
    }
}

/// Where a node keeps the path it listens on: webhooks, forms and MCP servers in `path`, some forms in `options.path`.
fn each_path(node: &mut Value, change: impl Fn(&str) -> String) {
    for place in ["/parameters/path", "/parameters/options/path"] {
        if let Some(path) = node.pointer_mut(place)
            && let Some(text) = written(path)
        {
            *path = change(&text).into();
        }
    }
}

/// n8n reads a path that is a number as one that is a text.
fn written(path: &Value) -> Option<String> {
    match path {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(path.to_string()),
    }
}

/// A parameter may be an expression (`=…`): it stays one, behind a prefix that it cannot take back.
fn prefixed(prefix: &str, value: &str) -> String {
    if let Some(expression) = value.strip_prefix('=') {
        let expression = expression.trim_start_matches(|letter| is_blank(letter) || letter == '/');
        return format!("={}", put_behind(prefix, expression));
    }
    // n8n takes one slash away at either end, and no call with two in a row comes through the edge.
    let parts = value.trim_matches(is_blank).split('/').filter(|part| !part.is_empty());
    let path = parts.collect::<Vec<_>>().join("/");
    if path.is_empty() { path } else { put_behind(prefix, &path) }
}

fn stripped(prefix: &str, value: &str) -> String {
    match value.strip_prefix('=') {
        Some(expression) => format!("={}", behind(prefix, expression).unwrap_or(expression)),
        None => behind(prefix, value).unwrap_or(value).to_owned(),
    }
}

/// What stands behind the prefix.
fn behind<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(prefix)?.strip_prefix('/')
}

fn put_behind(prefix: &str, path: &str) -> String {
    if behind(prefix, path).is_some() { path.to_owned() } else { format!("{prefix}/{path}") }
}

/// n8n finds a path with parameters by the node's id, and all others by the whole path, in which that id may stand in front. So it is the
/// prefix itself for the former, and begins with it for the latter.
fn adopted_id(prefix: &str, node: &Value) -> String {
    if node.pointer("/parameters/path").and_then(Value::as_str).is_some_and(is_dynamic) {
        return prefix.to_owned();
    }
    let name = match webhook_id(node) {
        Some(id) if id != prefix => id.rsplit('/').next(),
        _ => node.get("id").and_then(Value::as_str),
    };
    format!("{prefix}/{}", name.unwrap_or_default())
}

fn is_dynamic(path: &str) -> bool {
    path.strip_prefix('=').unwrap_or(path).starts_with(':') || path.contains("/:")
}

/// What JavaScript takes for white space.
fn is_blank(letter: char) -> bool {
    letter == '\u{feff}' || (letter.is_whitespace() && letter != '\u{85}')
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Cases {
        prefix: String,
        listening: Vec<Case>,
        deaf: Vec<Value>,
    }

    #[derive(Deserialize)]
    struct Case {
        node: Value,
        adopted: Value,
        stripped: Value,
    }

    fn cases() -> (ProjectId, Vec<Case>, Vec<Value>) {
        let cases: Cases = serde_json::from_str(include_str!("../../hooks/paths.cases.json")).unwrap();
        (cases.prefix.parse().unwrap(), cases.listening, cases.deaf)
    }

    fn with(node: &Value, changed: &Value) -> Value {
        let mut node = node.clone();
        node.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        node
    }

    fn adopted(project: &ProjectId, node: &Value) -> Value {
        let mut nodes = [node.clone()];
        adopt(project, &mut nodes);
        nodes.into()
    }

    #[test]
    fn what_listens_does_so_behind_the_prefix_once_however_it_is_written() {
        let (project, cases, _) = cases();
        for Case { node, adopted: expected, .. } in &cases {
            let expected = with(node, expected);
            assert_eq!(adopted(&project, node), Value::from([expected.clone()]), "{node}");
            assert_eq!(adopted(&project, &expected), Value::from([expected.clone()]), "{node}, again");
        }
    }

    #[test]
    fn taken_away_again_it_is_what_was_meant_and_can_be_put_back() {
        let (project, cases, _) = cases();
        for Case { node, adopted: before, stripped: expected } in &cases {
            let (before, expected) = (with(node, before), with(node, expected));
            for _ in 0..2 {
                let mut nodes = [before.clone()];
                strip(&project, &mut nodes);
                assert_eq!(nodes, std::slice::from_ref(&expected), "{node}");
            }
        }
    }

    #[test]
    fn what_does_not_listen_is_left_alone() {
        let (project, _, deaf) = cases();
        let mut nodes = deaf.clone();
        adopt(&project, &mut nodes);
        strip(&project, &mut nodes);
        assert_eq!(nodes, deaf);
    }
}
