//! What the edge does with paths of an n8n that tenants share: on a tenant's own host each way to a webhook is put into the tenant's part of
//! it, and what everybody has in common is kept shut; on the n8n's own host the tenants' parts are all there is.
//!
//! Traefik has tidied a path before it looks at these rules: letters are written as such, there are no dots and no doubled slashes left.
//! What is still encoded may be read otherwise by whoever reads it next, so where it could change whose webhook is meant it is refused.

use serde_json::{Value, json};

use super::everybody;
use crate::{Prefix, Workspace};

/// The first words of all paths that lead to webhooks by their names.
const WEBHOOKS: &str = "webhook|webhook-test|form|form-test|mcp|mcp-test";

/// Those that are answered without an editor, and what executions wait for: n8n's processes for webhooks know these and no others.
const ANSWERED_WITHOUT_MAIN: &str = "webhook|webhook-waiting|form|form-waiting|mcp";

/// A first word that could be read as another one.
const ODD: &str = r"^/+[^/]*[%;\\]";

/// A step back in a path, however often it is encoded: n8n takes none, and decodes once.
const STEP_BACK: &str = r"(?i)(/|\\|%(25)*(2f|5c))(\.|%(25)*2e){1,2}(;|/|\\|%(25)*(2f|5c|3b)|$)";

/// What is n8n's own business, and what clients are told of it as if it were one tenant's.
const INNER: &str = r"metrics|healthz|mcp-server|\.well-known";

/// What the editor of a workspace asks n8n's inner API for (2.41.1). The rest is about users, tags and what an owner sets up.
const EDITOR: &str = "active-workflows|ai|api-keys|binary-data|change-password|community-node-types|credential-translation|credentials|cta|\
    data-tables|data-tables-global|dynamic-node-parameters|events|executions|favorites|instance-version-history|license|login|logout|me|mfa|\
    module-settings|node-translation-headers|node-types|oauth1-credential|oauth2-credential|options|projects|push|roles|settings|\
    source-control|telemetry|test-webhook|third-party-licenses|user-settings|variables|webhooks|workflow-dependencies|workflow-history|\
    workflow-stats|workflows";

/// So many calls at once are no flood, whatever they are an hour.
const AT_ONCE: u32 = 1_000;

/// Traefik's own header, with the path as the caller wrote it.
const REPLACED_PATH: &str = "X-Replaced-Path";

/// Which paths a process for webhooks answers.
pub(super) fn own_webhooks() -> String {
    format!("PathRegexp(`^/+(?i:{ANSWERED_WITHOUT_MAIN})(/|$)`)")
}

/// Which paths are refused on a tenant's host. On the host of the n8n that it shares these are among what leads nowhere, but for steps back.
pub(super) fn refused() -> String {
    let inner = format!("(?i)^/+({INNER})([^a-z0-9_-]|$)");
    let shut =
        [ODD, STEP_BACK, inner.as_str()].map(|pattern| format!("PathRegexp(`{pattern}`)")).join(" || ");
    format!("({shut} || PathRegexp(`(?i)^/+rest(/|$)`) && !PathRegexp(`^/rest/({EDITOR})(/|$)`))")
}

/// Which paths lead to webhooks on a tenant's host.
pub(super) fn webhooks() -> String {
    format!("PathRegexp(`(?i)^/+({WEBHOOKS})(/|$)`)")
}

/// Which paths lead to a tenant's webhooks on the host of the n8n that it shares.
pub(super) fn webhooks_of(prefix: &Prefix) -> String {
    format!("PathRegexp(`^/({WEBHOOKS})/{prefix}/`)")
}

/// Which paths lead to executions that wait: n8n asks for the signature that it gave to each, and finds it in the body where Slack or Telegram
/// call for all of them alike. Whatever else begins so has its editor's page.
pub(super) fn executions_that_wait() -> &'static str {
    "PathRegexp(`^/((webhook-waiting|form-waiting)/[0-9]+(/[^/]+)?|webhook-waiting-(slack|telegram))$`)"
}

/// Which paths lead to webhooks by what they began with before the tenant had an n8n of its own, on its own host. Those are all that
/// [`into_part`] left as they were there.
pub(super) fn former_webhooks(prefix: &Prefix) -> String {
    format!("PathRegexp(`^/+(?i:{WEBHOOKS})/+{prefix}/`)")
}

/// So many executions are led to: a rule is read with every document.
const MOST_WAITING: usize = 2_000;

/// Which paths lead to these executions, which wait: the latest of them, where they are very many.
pub(super) fn waiting_of(executions: &[u32]) -> Option<String> {
    let mut latest = executions.to_vec();
    latest.sort_unstable();
    let ids: Vec<_> = latest.iter().rev().take(MOST_WAITING).map(u32::to_string).collect();
    let rule = format!("PathRegexp(`^/(webhook-waiting|form-waiting)/({})(/[^/]+)?$`)", ids.join("|"));
    Some(rule).filter(|_| !ids.is_empty())
}

/// Puts each path to a webhook into the tenant's part, unless it is there already. The rules by which a router takes a path say that its first
/// word is one of [`WEBHOOKS`]; here any will do, as Traefik reads this once for each tenant with every document.
pub(super) fn into_part(prefix: &Prefix) -> Value {
    let regex = format!("^/+([^/]+)(?:/+(?:{prefix}/)?(.*))?$");
    json!({ "replacePathRegex": { "regex": regex, "replacement": format!("/${{1}}/{prefix}/${{2}}") } })
}

/// Leads the former address of a path with parameters to the id that its node has now (`own_id` of the crate `n8n`). [`out_of_part`] leaves
/// that alone.
pub(super) fn out_of_id(prefix: &Prefix) -> Value {
    let regex = format!("^/+((?i:{WEBHOOKS}))/+{prefix}/+{prefix}/+(.+)$");
    json!({ "replacePathRegex": { "regex": regex, "replacement": format!("/${{1}}/{prefix}-own/${{2}}") } })
}

/// Takes what each path to a webhook began with away.
pub(super) fn out_of_part(prefix: &Prefix) -> Value {
    let regex = format!("^/+((?i:{WEBHOOKS}))/+{prefix}/+(.*)$");
    json!({ "replacePathRegex": { "regex": regex, "replacement": "/${1}/${2}" } })
}

/// Makes a call one of this host, for whoever answers it.
pub(super) fn to_host(name: &str) -> Value {
    json!({ "headers": { "customRequestHeaders": { "Host": name } } })
}

/// What requests for the tenant carry, whatever callers wrote there.
pub(super) fn for_tenant(workspace: &Workspace) -> Value {
    json!({ Workspace::HEADER: workspace.header(), REPLACED_PATH: "" })
}

/// What requests carry that are for no tenant of a shared n8n: nothing of the kind.
pub(super) fn for_nobody() -> Value {
    json!({ Workspace::HEADER: "" })
}

/// The same where paths may be changed on the way.
pub(super) fn for_nobody_any_more() -> Value {
    json!({ Workspace::HEADER: "", REPLACED_PATH: "" })
}

/// Bounds the calls of a tenant that come without a pause: the name of that middleware, and what it is. The same for all who may call so often:
/// each router counts for itself.
pub(super) fn rate(workspace: &Workspace) -> (String, Value) {
    let calls = workspace.calls_per_hour.get();
    let burst = calls.min(AT_ONCE);
    let bound = json!({ "average": calls, "period": "1h", "burst": burst, "sourceCriterion": everybody() });
    (format!("rate_{calls}"), json!({ "rateLimit": bound }))
}
