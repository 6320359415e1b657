//! Whether those who set up a deployment can find what its services read.

use std::collections::BTreeSet;

const EXAMPLE: &str = include_str!("../../../deploy/.env.example");
const DEPLOYMENT: &str = include_str!("../../../deploy/compose.yml");

/// Of these names, those that the example of settings does not have, or has without their reaching a service. What the deployment decides by
/// itself is nobody's to set.
pub fn unheard_of(names: &BTreeSet<String>) -> Vec<&str> {
    names.iter().map(String::as_str).filter(|name| !is_decided(name) && !is_described(name)).collect()
}

/// Whether the deployment sets it, if only out of something else.
fn is_decided(name: &str) -> bool {
    passed(name).any(|value| !value.starts_with("${"))
}

/// Whether the example sets it and the deployment passes it on, or tells where else it is set.
fn is_described(name: &str) -> bool {
    let mut lines = EXAMPLE.lines();
    let set = lines.any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let told =
        EXAMPLE.lines().filter(|line| line.starts_with('#')).any(|line| line.split(word).any(|w| w == name));
    if set { passed(name).any(|value| value.contains(name)) } else { told }
}

/// What the deployment gives services under this name, or as a file.
fn passed(name: &str) -> impl Iterator<Item = &'static str> {
    let file = format!("{name}_FILE");
    let lines = DEPLOYMENT.lines().filter_map(|line| line.trim().split_once(": "));
    lines.filter(move |(key, _)| *key == name || *key == file).map(|(_, value)| value)
}
