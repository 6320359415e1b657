//! What callers are told of their limits.

use sfv::{BareItem, List, ListEntry, Parser};
use sqlx::PgPool;

use super::{limited, question, somebody};
use crate::{
    openapi::protected_operations,
    support::{Call, Reply},
};

/// A header as RFC 9651 reads it: names, and their parameters, which are all whole numbers here.
fn parsed(reply: &Reply, header: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let list: List = Parser::new(reply.header(header)).parse().unwrap();
    let item = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else { panic!("{entry:?}") };
        let BareItem::String(name) = &item.bare_item else { panic!("{item:?}") };
        let number = |value: &BareItem| {
            let BareItem::Integer(number) = value else { panic!("{value:?}") };
            i64::from(*number)
        };
        let parameters = item.params.iter().map(|(key, value)| (key.to_string(), number(value)));
        (name.to_string(), parameters.collect())
    };
    list.iter().map(item).collect()
}

fn names(reply: &Reply, header: &str) -> Vec<String> {
    parsed(reply, header).into_iter().map(|(name, _)| name).collect()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_answer_says_what_is_left_and_a_refusal_when_to_come_back(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_OWNER", "2")]).await;
    let who = somebody();
    let first = platform.send(question(&who)).await;
    assert_eq!(
        parsed(&first, "ratelimit-policy"),
        [("subject".into(), vec![("q".into(), 2), ("w".into(), 3600)])]
    );
    let (name, parameters) = parsed(&first, "ratelimit").remove(0);
    assert_eq!((name.as_str(), &parameters[0]), ("subject", &("r".to_owned(), 1)));
    assert!(parameters[1].0 == "t" && (3500..=3600).contains(&parameters[1].1), "{parameters:?}");
    let absent = platform.send(Call::get("/tenants/ten_0198c0de0000700080000000000000aa").by(&who)).await;
    assert_eq!((absent.status.as_u16(), names(&absent, "ratelimit")), (404, vec!["subject".into()]));
    let refused = platform.send(question(&who)).await;
    refused.assert_problem(429, "throttled");
    let (_, parameters) = parsed(&refused, "ratelimit").remove(0);
    assert_eq!((parameters[0].1, parameters[1].1.to_string()), (0, refused.header("retry-after").to_owned()));
    assert_eq!(refused.headers.get_all("retry-after").iter().count(), 1);
    let admin = Call::get("/tenants/ten_0198c0de0000700080000000000000aa").by_a("admin");
    let both = platform.send(admin).await;
    for header in ["ratelimit-policy", "ratelimit"] {
        assert_eq!(names(&both, header), ["subject", "action"]);
    }
    let open = platform.send(Call::get("/healthz")).await;
    assert_eq!((open.status.as_u16(), open.header("ratelimit")), (200, ""), "nobody is counted here");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn no_route_that_wants_a_token_is_without_a_limit(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_OWNER", "1")]).await;
    let who = somebody();
    assert_eq!(platform.send(question(&who)).await.status, 200);
    for (method, path) in protected_operations() {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        let call = Call::with(&method, &path).by(&who).signed();
        // What makes a WebSocket of a request.
        let call = call.header("connection", "upgrade").header("upgrade", "websocket");
        let call = call
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        let reply = platform.send(call).await;
        assert_eq!(reply.status, 429, "{method} {path}: {reply:?}");
    }
    platform.stop().await;
}

#[test]
fn every_route_that_wants_a_token_describes_its_limits() {
    let description: serde_json::Value = serde_json::from_str(&gateway::describe()).unwrap();
    for (method, path) in protected_operations() {
        let responses = &description["paths"][&path][method.to_lowercase()]["responses"];
        for header in ["retry-after", "ratelimit", "ratelimit-policy"] {
            assert!(responses["429"]["headers"][header].is_object(), "{method} {path}: {header}");
        }
        let well = responses.as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        assert!(
            well.into_iter().all(|(_, answer)| answer["headers"]["ratelimit"].is_object()),
            "{method} {path}"
        );
    }
    let open = &description["paths"]["/healthz"]["get"]["responses"];
    assert!(open["429"].is_null());
}
