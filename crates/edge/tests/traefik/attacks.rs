//! What one tenant of a shared n8n may try to get at another's part of it, or to pass for another.

use crate::readings::readings;
use crate::shared::{A, B, BASE, Heard, KINDS, World};

const OWN: &str = "00000000-0000-0000-0000-00000000000a https://a.localhost";

/// Spellings of a path into B's part.
fn spellings(kind: &str) -> Vec<String> {
    let (upper, capital) = (kind.to_uppercase(), format!("{}{}", kind[..1].to_uppercase(), &kind[1..]));
    let (first, rest) = (kind.as_bytes()[0], &kind[1..]);
    vec![
        format!("/{kind}/{B}/x"),
        format!("/{kind}/{B}/x?x=/{A}/"),
        format!("/{upper}/{B}/x"),
        format!("/{capital}/{B}/x"),
        format!("//{kind}//{B}/x"),
        format!("///{kind}/{B}/x"),
        format!("/./{kind}/./{B}/x"),
        format!("/%2e/{kind}/{B}/x"),
        format!("/{kind}/{A}/../{B}/x"),
        format!("/{kind}/{A}/%2e%2e/{B}/x"),
        format!("/{kind}/{A}/.%2E/{B}/x"),
        format!("/{kind}/{A}/%252e%252e/{B}/x"),
        format!("/{kind}/{A}/%252e%252e%252f{B}/x"),
        format!("/{kind}/{A}/%25252e%25252e%25252f{B}/x"),
        format!("/{kind}%2f{B}/x"),
        format!("/{kind}%2F{B}%2Fx"),
        format!("/{kind}%252f{B}/x"),
        format!("%2f{kind}/{B}/x"),
        format!("/%2f{kind}/{B}/x"),
        format!("/%2f%2f{kind}%2f%2f{B}%2fx"),
        format!("/%{first:02x}{rest}/{B}/x"),
        format!("/%25{first:02x}{rest}/{B}/x"),
        format!("/{}/{B}/x", kind.replace('o', "%6F")),
        format!("/{}/{B}/x", kind.replace('-', "%2d")),
        format!("/x/../{kind}/{B}/x"),
        format!("/x/%2e%2e/{kind}/{B}/x"),
        format!("/x%2f..%2f{kind}/{B}/x"),
        format!("/x/..%2f{kind}/{B}/x"),
        format!("/x/..;/{kind}/{B}/x"),
        format!("/x/..%3b/{kind}/{B}/x"),
        format!("/rest/login/..%2f..%2f{kind}/{B}/x"),
        format!("/rest/..;/{kind}/{B}/x"),
        format!("/{kind}\\{B}\\x"),
        format!("\\{kind}\\{B}\\x"),
        format!("/\\{kind}/{B}/x"),
        format!("/{kind}%5c{B}/x"),
        format!("/{kind}%5C..%5C{kind}%5C{B}/x"),
        format!("/{kind};x/{B}/x"),
        format!("/;/{kind}/{B}/x"),
        format!("/{kind}%3bx/{B}/x"),
        format!("/{kind}/;/{B}/x"),
        format!("/{kind}/;x/../{B}/x"),
        format!("/{kind}/{A}%2f..%2f{B}/x"),
        format!("/{kind}/{A}%2f%2e%2e%2f{B}/x"),
        format!("/{kind}/{A}/..%2f{B}/x"),
        format!("/{kind}/{A}/..%5c{B}/x"),
        format!("/{kind}/{A}\\..\\{B}/x"),
        format!("/{kind}/{A}/..;/{B}/x"),
        format!("/{kind}/{A};/../{B}/x"),
        format!("/{kind}/%2f{B}/x"),
        format!("/{kind}/.%2f{B}/x"),
        format!("/{kind}/%2e%2f{B}/x"),
        format!("/{kind}/%00/{B}/x"),
        format!("/{kind}%00/{B}/x"),
        format!("/{kind}%20/{B}/x"),
        format!("/{kind}%0a/{B}/x"),
        format!("/{kind}%09/{B}/x"),
        format!("/{kind}./{B}/x"),
        format!("/{kind}%23/{B}/x"),
        format!("/{kind}%3f/{B}/x"),
        format!("/{kind}/{B}"),
        format!("/{kind}/{B}/"),
        format!("/{kind}/{B}/{B}/users/5"),
        format!("/{kind}/{A}x/{B}/x"),
        format!("/{kind}/{}/{B}/x", A.to_uppercase()),
        format!("/{kind}/{B}/../{B}/x"),
        format!("/{kind}/{B}/0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/chat"),
        format!("/{}\u{212a}/{B}/x", &kind[..kind.len() - 1]),
        format!("/{kind}/../{kind}/{B}/x"),
        format!("http://{BASE}/{kind}/{B}/x"),
        format!("http://b.localhost/{kind}/{B}/x"),
        format!("//b.localhost/{kind}/{B}/x"),
    ]
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
    let world = World::start(28_020, 28_021).await;
    let (mut heard, mut refused) = (0, 0);
    for kind in KINDS {
        for path in spellings(kind) {
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

fn begins_with_rest(path: &str) -> bool {
    readings(path).iter().any(|words| words.first().is_some_and(|word| word.eq_ignore_ascii_case("rest")))
}

async fn nothing_is_passed_of_what_everybody_has_in_common(world: &World) {
    let shut = [
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
    for what in shut {
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
