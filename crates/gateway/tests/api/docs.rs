//! The description as a page, and that a browser asks nobody else for anything.

use sqlx::PgPool;

use crate::{
    openapi::{description, operations},
    support::{Call, HMAC_SECRET, JWT_SECRET, Platform, Reply},
};

/// What `name="…"` or `name(…)` says, each time.
fn said<'a>(text: &'a str, before: &str, after: char) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(after).next().unwrap().trim_matches(['"', '\'']))
        .collect()
}

#[track_caller]
fn assert_confined(reply: &Reply) {
    let policy = reply.header("content-security-policy");
    for rule in ["default-src 'self'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(rule), "{rule} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_page_and_all_it_refers_to_come_from_here() {
    let platform = Platform::without_record().await;
    let page = platform.send(Call::get("/docs")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_confined(&page);
    let html = page.text();
    assert!(
        html.split("<script").skip(1).all(|rest| rest.starts_with(" src=")),
        "no script of its own: {html}"
    );
    assert!(!html.contains("style=") && !html.contains("<style") && !html.contains(" on"), "{html}");
    let files = [said(&html, "src=\"", '"'), said(&html, "href=\"", '"')].concat();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        assert!(file.starts_with("docs/") && !file.contains(':') && !file.contains(".."), "{file}");
        let reply = platform.send(Call::get(&format!("/{file}"))).await;
        assert_eq!(reply.status, 200, "{file}");
        assert!(!reply.body.is_empty(), "{file}");
        assert_confined(&reply);
        let kind = match file.rsplit('.').next().unwrap() {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => "image/png",
        };
        assert_eq!(reply.header("content-type"), kind, "{file}");
        if kind == "text/css" {
            let urls =
                [said(&reply.text(), "url(", ')'), said(&reply.text(), "@import", ';')].concat().join("\n");
            assert!(urls.lines().all(|url| url.starts_with("data:") || url.starts_with('#')), "{urls}");
        }
    }
    platform.stop().await;
}

#[tokio::test]
async fn the_page_shows_our_description_and_asks_no_validator() {
    let platform = Platform::without_record().await;
    let script = platform.send(Call::get("/docs/swagger-initializer.js")).await.text();
    assert!(script.contains("\"openapi.json\"") && script.contains("\"validatorUrl\": \"none\""), "{script}");
    assert!(!script.contains("//petstore") && !script.contains("http"), "{script}");
    platform.stop().await;
}

#[tokio::test]
async fn nothing_but_what_the_page_refers_to_is_given_out() {
    let platform = Platform::without_record().await;
    for file in
        ["oauth2-redirect.html", "swagger-ui.css.map", "index.html", "%2e%2e", "%ff", "..%2fopenapi.json", ""]
    {
        let reply = platform.send(Call::get(&format!("/docs/{file}"))).await;
        reply.assert_problem(404, "not_found");
    }
    platform.stop().await;
}

/// The guide's examples, by the language they are in.
fn example(guide: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    let (_, rest) = guide.split_once(&opening).unwrap_or_else(|| panic!("there is an example in {language}"));
    rest.split("```").next().unwrap().to_owned()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_examples_of_the_guide_do_what_they_say(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let address = platform.listen(platform.tasks(), &[]).await;
    let guide = description()["info"]["description"].as_str().unwrap().to_owned();
    let interpreters = [
        ("sh", &["bash", "-euo", "pipefail", "-c"][..]),
        ("python", &["python3", "-c"]),
        ("js", &["node", "--input-type=module", "-e"]),
    ];
    for (language, command) in interpreters {
        let ran = tokio::process::Command::new(command[0])
            .args(&command[1..])
            .arg(example(&guide, language))
            .env("RP9_URL", format!("http://{address}"))
            .env("RP9_JWT_SECRET", JWT_SECRET)
            .env("RP9_HMAC_SECRET", HMAC_SECRET)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && told.contains("tenant_id"), "{language}: {ran:?}");
    }
    let made: Vec<String> =
        sqlx::query_scalar("select subdomain from tenants order by 1").fetch_all(&database).await.unwrap();
    assert_eq!(made, ["acme-curl", "acme-node", "acme-python"]);
    platform.stop().await;
}

/// Where the guide points to on its own page is there.
#[test]
fn the_guide_refers_to_what_there_is() {
    let description = description();
    let guide = description["info"]["description"].as_str().unwrap();
    let operations = operations(&description).into_iter().map(|(method, path)| {
        let operation = &description["paths"][&path][method.to_lowercase()];
        (
            operation["tags"][0].as_str().unwrap().to_owned(),
            operation["operationId"].as_str().unwrap().to_owned(),
        )
    });
    let operations: Vec<_> = operations.collect();
    let links: Vec<_> = said(guide, "](#/", ')').into_iter().map(|link| link.replace("%20", " ")).collect();
    assert!(links.len() > 8, "{links:?}");
    for link in links {
        let (tag, operation) =
            link.split_once('/').map_or((link.as_str(), None), |(tag, id)| (tag, Some(id)));
        let there = |known: &(String, String)| known.0 == tag && operation.is_none_or(|id| known.1 == id);
        assert!(operations.iter().any(there), "{link}");
    }
}
