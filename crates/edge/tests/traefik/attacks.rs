//! What one tenant of a shared n8n may try to get at another's part of it, or to pass for another.

use crate::readings::readings;
use crate::shared::{A, B, BASE, Heard, KINDS, World};
use crate::support::Ports;

const OWN: &str = "00000000-0000-0000-0000-00000000000a https://a.localhost";

/// Spellings of a path into B's part.
const SPELLINGS: &[&str] = &[
    "/<kind>/<B>/x",
    "/<kind>/<B>/x?x=/<A>/",
    "/<KIND>/<B>/x",
    "/<Kind>/<B>/x",
    "//<kind>//<B>/x",
    "///<kind>/<B>/x",
    "/./<kind>/./<B>/x",
    "/%2e/<kind>/<B>/x",
    "/<kind>/<A>/../<B>/x",
    "/<kind>/<A>/%2e%2e/<B>/x",
    "/<kind>/<A>/.%2E/<B>/x",
    "/<kind>/<A>/%252e%252e/<B>/x",
    "/<kind>/<A>/%252e%252e%252f<B>/x",
    "/<kind>/<A>/%25252e%25252e%25252f<B>/x",
    "/<kind>%2f<B>/x",
    "/<kind>%2F<B>%2Fx",
    "/<kind>%252f<B>/x",
    "%2f<kind>/<B>/x",
    "/%2f<kind>/<B>/x",
    "/%2f%2f<kind>%2f%2f<B>%2fx",
    "/%<first>/<B>/x",
    "/%25<first>/<B>/x",
    "/<%6F>/<B>/x",
    "/<%2d>/<B>/x",
    "/x/../<kind>/<B>/x",
    "/x/%2e%2e/<kind>/<B>/x",
    "/x%2f..%2f<kind>/<B>/x",
    "/x/..%2f<kind>/<B>/x",
    "/x/..;/<kind>/<B>/x",
    "/x/..%3b/<kind>/<B>/x",
    "/rest/login/..%2f..%2f<kind>/<B>/x",
    "/rest/..;/<kind>/<B>/x",
    "/<kind>\\<B>\\x",
    "\\<kind>\\<B>\\x",
    "/\\<kind>/<B>/x",
    "/<kind>%5c<B>/x",
    "/<kind>%5C..%5C<kind>%5C<B>/x",
    "/<kind>;x/<B>/x",
    "/;/<kind>/<B>/x",
    "/<kind>%3bx/<B>/x",
    "/<kind>/;/<B>/x",
    "/<kind>/;x/../<B>/x",
    "/<kind>/<A>%2f..%2f<B>/x",
    "/<kind>/<A>%2f%2e%2e%2f<B>/x",
    "/<kind>/<A>/..%2f<B>/x",
    "/<kind>/<A>/..%5c<B>/x",
    "/<kind>/<A>\\..\\<B>/x",
    "/<kind>/<A>/..;/<B>/x",
    "/<kind>/<A>;/../<B>/x",
    "/<kind>/%2f<B>/x",
    "/<kind>/.%2f<B>/x",
    "/<kind>/%2e%2f<B>/x",
    "/<kind>/%00/<B>/x",
    "/<kind>%00/<B>/x",
    "/<kind>%20/<B>/x",
    "/<kind>%0a/<B>/x",
    "/<kind>%09/<B>/x",
    "/<kind>./<B>/x",
    "/<kind>%23/<B>/x",
    "/<kind>%3f/<B>/x",
    "/<kind>/<B>",
    "/<kind>/<B>/",
    "/<kind>/<B>/<B>/users/5",
    "/<kind>/<A>x/<B>/x",
    "/<kind>/<upper A>/<B>/x",
    "/<kind>/<B>/../<B>/x",
    "/<kind>/<B>/0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/chat",
    "/<kin>\u{212a}/<B>/x",
    "/<kind>/../<kind>/<B>/x",
    "http://<base>/<kind>/<B>/x",
    "http://b.localhost/<kind>/<B>/x",
    "//b.localhost/<kind>/<B>/x",
];

/// That path for this kind of webhooks.
fn spelled(spelling: &str, kind: &str) -> String {
    let (first, rest) = kind.split_at(1);
    let words = [
        ("<kind>", kind.to_owned()),
        ("<KIND>", kind.to_uppercase()),
        ("<Kind>", format!("{}{rest}", first.to_uppercase())),
        ("<first>", format!("{:02x}{rest}", first.as_bytes()[0])),
        ("<%6F>", kind.replace('o', "%6F")),
        ("<%2d>", kind.replace('-', "%2d")),
        ("<kin>", kind[..kind.len() - 1].to_owned()),
        ("<A>", A.to_owned()),
        ("<upper A>", A.to_uppercase()),
        ("<B>", B.to_owned()),
        ("<base>", BASE.to_owned()),
    ];
    words.iter().fold(spelling.to_owned(), |path, (word, means)| path.replace(word, means))
}

/// However it is read: not a webhook, or one in A's part. And it is A who calls.
fn is_as(heard: &Heard, tried: &str) {
    assert_eq!((heard.by.as_str(), heard.header("x-rp9-shared-tenant")), ("shared", vec![OWN]), "{tried}");
    for words in readings(&heard.path) {
        let [kind, part, ..] = words.as_slice() else { continue };
        let leads = KINDS.iter().any(|known| known.eq_ignore_ascii_case(kind));
        assert!(!leads || part == A, "{tried} became {}, which is read as {words:?}", heard.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn no_spelling_of_a_path_leads_from_one_tenants_host_into_anothers_part() {
    let world = World::start(Ports::from(28_020)).await;
    let (mut heard, mut refused) = (0, 0);
    for kind in KINDS {
        for path in SPELLINGS.iter().map(|spelling| spelled(spelling, kind)) {
            match world.call("a.localhost", &path).await {
                // The address in the first line is where the call is for, whatever its host says.
                Ok(other) if path.starts_with("http") => {
                    assert_ne!(other.header("x-rp9-shared-tenant"), [OWN])
                }
                Ok(own) => {
                    heard += 1;
                    is_as(&own, &path);
                }
                Err(status) => {
                    refused += 1;
                    assert!(
                        ["404", "400", "301", "307", "308"].contains(&status.as_str()),
                        "{path}: {status}"
                    );
                }
            }
        }
    }
    assert!(heard > 100 && refused > 100);
    nothing_is_passed_of_what_everybody_has_in_common(&world).await;
    nobody_passes_for_another(&world).await;
    world.had_no_trouble();
}

/// Of the inner API: what no editor of a workspace asks for, and what could be read as such.
const NOT_THE_EDITORS: &[&str] = &[
    "users",
    "invitations",
    "owner/setup",
    "tags",
    "annotation-tags",
    "eventbus/event",
    "sso/saml",
    "ldap/config",
    "orchestration/x",
    "instance-ai",
    "mcp/settings",
    "chat",
    "insights/summary",
    "forgot-password",
    "e2e/reset",
    "debug",
    "usersx",
    "login%2f..%2fusers",
    "login/..%2fusers",
    "login/..;/users",
    "login;/../users",
    "%75sers",
    "USERS",
    "loginx",
    "",
    "login%00",
    "projects%5c..%5cusers",
];

fn begins_with_rest(path: &str) -> bool {
    readings(path).iter().any(|words| words.first().is_some_and(|word| word.eq_ignore_ascii_case("rest")))
}

async fn nothing_is_passed_of_what_everybody_has_in_common(world: &World) {
    for what in NOT_THE_EDITORS {
        for path in [
            format!("/rest/{what}"),
            format!("/REST/{what}"),
            format!("//rest//{what}"),
            format!("/x/../rest/{what}"),
            format!("/%72est/{what}"),
            format!("/rest%2f{what}"),
            format!("/rest/./{what}"),
            format!("/%2frest/{what}"),
        ] {
            match world.call("a.localhost", &path).await {
                Ok(heard) => assert!(!begins_with_rest(&heard.path), "{path} became {}", heard.path),
                Err(status) => assert!(["404", "400"].contains(&status.as_str()), "{path}: {status}"),
            }
        }
    }
    for path in [
        "/metrics",
        "/METRICS/",
        "/healthz/readiness",
        "/mcp-server/http",
        "/MCP-Server",
        "/.well-known/oauth-authorization-server",
        "/%2ewell-known/x",
        "/.WELL-KNOWN/x",
        "//mcp-server",
        "/x/..%2fmetrics",
        "/%6dcp-server/x",
        "/rest",
        "/Rest/login",
        "/REST/login",
    ] {
        assert_eq!(world.call("a.localhost", path).await.unwrap_err(), "404", "{path}");
    }
}

async fn nobody_passes_for_another(world: &World) {
    let b = "00000000-0000-0000-0000-00000000000b https://b.localhost";
    let forged = [
        format!("X-Rp9-Shared-Tenant: {b}\r\n"),
        format!("x-rp9-shared-tenant: {b}\r\nX-RP9-SHARED-TENANT: {b}\r\n"),
        format!("Connection: X-Rp9-Shared-Tenant\r\nX-Rp9-Shared-Tenant: {b}\r\n"),
        "Connection: x-rp9-shared-tenant\r\n".to_owned(),
        "Connection: close, x-rp9-shared-tenant, X-Rp9-Shared-Tenant\r\n".to_owned(),
        "Connection: Upgrade, X-Rp9-Shared-Tenant\r\nUpgrade: websocket\r\n".to_owned(),
        format!("TE: trailers\r\nTrailer: X-Rp9-Shared-Tenant\r\nX-Rp9-Shared-Tenant: {b}\r\n"),
        format!("X-Forwarded-Host: b.localhost\r\nX-Rp9-Shared-Tenant : {b}\r\n"),
        format!(
            "X-Original-Url: /webhook/{B}/x\r\nX-Rewrite-Url: /webhook/{B}/x\r\nX-Replaced-Path: /webhook/{B}/x\r\n"
        ),
    ];
    let hosts = [
        ("a.localhost", "/rest/login", vec![OWN]),
        ("a.localhost", "/webhook/x", vec![OWN]),
        ("flows.a.example", "/", vec!["00000000-0000-0000-0000-00000000000a https://flows.a.example"]),
        ("own.localhost", "/rest/login", vec![]),
        (BASE, "/webhook-waiting/7", vec![]),
    ];
    for lines in &forged {
        for (host, path, expected) in &hosts {
            match world.call_with(host, path, &format!("{lines}Connection: close\r\n")).await {
                Ok(heard) => {
                    assert_eq!(heard.header("x-rp9-shared-tenant"), *expected, "{host} {lines}");
                    assert!(heard.header("x-replaced-path").is_empty() || *host != "a.localhost", "{lines}");
                }
                // Traefik takes no name of a header with a space after it.
                Err(status) => {
                    assert!(status == "400" && lines.contains("Tenant :"), "{host} {lines} {status}")
                }
            }
        }
    }
}
