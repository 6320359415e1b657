//! What a tenant's containers wrote, shown.

use common::{
    bus::Bus,
    error::{Classify, Kind},
};
use sqlx::PgPool;
use time::macros::datetime;
use wire::{AskLogs, LogLine, LoggedRole};

use crate::support::{Call, Claims, Platform, tenant};

/// Nothing runs for this tenant.
#[derive(Debug, thiserror::Error)]
#[error("nothing runs")]
struct Nothing;

impl Classify for Nothing {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }
}

/// Answers like a provisioner on whose engine this tenant has a main and no worker.
fn provisioner(platform: &Platform, known: &str) {
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), platform.tasks().stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    platform.tasks().spawn("provisioner", async move {
        let answer = async |asked: AskLogs| {
            if asked.role == Some(LoggedRole::Worker) {
                return Err(Nothing);
            }
            let at = datetime!(2026-08-01 12:00:00.123456789 UTC);
            let text =
                format!("asked for {} after {:?}", asked.tail, asked.after.map(|at| at.unix_timestamp()));
            Ok(vec![LogLine { instance: "rp9-main".into(), at, stream: "stdout".into(), text }])
        };
        bus.answer(group, stopping, answer).await.unwrap();
    });
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_lines_are_shown_to_its_owner_and_each_look_is_noted(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    provisioner(&platform, &id);
    let owner = Claims::owner(&[&id]);
    let ask =
        async |query: &str| platform.send(Call::get(&format!("/tenants/acme/logs{query}")).by(&owner)).await;
    let mut shown = ask("?role=main&tail=5&after=2026-08-01T00:00:00Z").await;
    while shown.status == 503 {
        shown = ask("?role=main&tail=5&after=2026-08-01T00:00:00Z").await;
    }
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(shown.header("cache-control"), "no-store");
    let line = &shown.json()["data"][0];
    assert_eq!(line["at"], "2026-08-01T12:00:00.123456789Z", "so that it can be asked on from there");
    assert_eq!(line["text"], "asked for 5 after Some(1785542400)");
    ask("?role=worker").await.assert_problem(404, "not_found");
    ask("?tail=0").await.assert_problem(422, "invalid_fields");
    let stranger = Claims::owner(&[&common::id::TenantId::generate().to_string()]);
    let denied = platform.send(Call::get("/tenants/acme/logs").by(&stranger)).await;
    denied.assert_problem(404, "not_found");
    platform.stop().await;
    let noted = "select count(*) from audit_logs where action = 'tenant.logs' and outcome = 'shown' and tenant_id is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(noted).fetch_one(&database).await.unwrap(), 1);
}
