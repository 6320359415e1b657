//! The one secret the API shows.

use common::{bus::Bus, error::Kind};
use sqlx::PgPool;
use wire::{AskInitialLogin, InitialLogin};

use crate::support::{Call, Claims, Platform, tenant, turn_to_answer};

const PASSWORD: &str = "canary-Passw0rd-of-the-owner";

/// There is nothing for this tenant.
#[derive(Debug, thiserror::Error)]
#[error("no login")]
struct NoLogin;

impl common::error::Classify for NoLogin {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }
}

/// Answers like a provisioner that knows one tenant.
async fn provisioner(platform: &Platform, known: String) {
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), platform.tasks().stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    platform.tasks().spawn("provisioner", async move {
        let answer = async |asked: AskInitialLogin| {
            if asked.tenant.to_string() == known {
                Ok(InitialLogin {
                    email: "ada@acme.example".into(),
                    password: PASSWORD.to_owned().into(),
                    stale: true,
                })
            } else {
                Err(NoLogin)
            }
        };
        bus.answer(group, None, stopping, answer).await.unwrap();
    });
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_login_is_shown_to_its_owner_audited_and_kept_nowhere(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    provisioner(&platform, id.clone()).await;

    let owner = Claims::owner(&[&id]);
    let ask = async || platform.send(Call::get("/tenants/acme/initial-login").by(&owner)).await;
    let mut shown = ask().await;
    // The question may be asked before the answering side has subscribed.
    while shown.status == 503 {
        shown = ask().await;
    }
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(shown.json()["data"]["password"], PASSWORD);
    assert_eq!(shown.json()["data"]["stale"], true);
    assert_eq!(shown.header("cache-control"), "no-store");

    let to_a_portal = platform.send(Call::get("/tenants/acme/initial-login").by_a("service")).await;
    assert_eq!(to_a_portal.status, 200, "{}", to_a_portal.text());
    platform.stop().await;
    let audited: Vec<(String, String)> = sqlx::query_as(
        "select actor, outcome from audit_logs
          where action = 'tenant.initial_login' and outcome not like '%unavailable' order by at",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    let expected = [("owner-1", "shown"), ("service-1", "shown")];
    assert_eq!(audited, expected.map(|(actor, outcome)| (actor.to_owned(), outcome.to_owned())));
    let kept: bool =
        sqlx::query_scalar("select query_to_xml('select * from audit_logs', true, true, '')::text like $1")
            .bind(format!("%{PASSWORD}%"))
            .fetch_one(&database)
            .await
            .unwrap();
    assert!(!kept);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn without_the_bus_the_login_is_a_503(database: PgPool) {
    let platform = Platform::on(database).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    assert_eq!(platform.send(create).await.status, 201);
    let reply = platform.send(Call::get("/tenants/acme/initial-login").by_a("admin")).await;
    reply.assert_problem(503, "unavailable");
    assert_ne!(reply.header("retry-after"), "");
    platform.stop().await;
}
