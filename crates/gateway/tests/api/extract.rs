//! What a backup has, and one thing out of it.

use common::{
    bus::Bus,
    error::{Classify, Kind},
    id::{BackupId, TenantId},
};
use serde_json::{Value, json};
use sqlx::PgPool;
use wire::{AskContents, AskExtract, BackupContents, Extracted, Kept, Listing};

use crate::support::{Call, Claims, Platform, Reply, kept_backup_of, tenant, turn_to_answer};

/// There is no such workflow.
#[derive(Debug, thiserror::Error)]
#[error("The backup has no such workflow.")]
struct Absent;

impl Classify for Absent {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn public_detail(&self) -> String {
        self.to_string()
    }
}

/// Answers like a backup service that reaches sets with one workflow, made without credentials.
fn backup_service(platform: &Platform, known: BackupId) {
    let tasks = platform.tasks();
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), tasks.stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    let (listing, told) = (bus.clone(), stopping.clone());
    tasks.spawn("contents", async move {
        let answer = async |_: AskContents| {
            let kept =
                Kept { id: "w1".into(), name: "Orders".into(), credential_type: String::new(), active: true };
            let workflows = Some(Listing { kept: vec![kept], truncated: false });
            Ok::<_, Absent>(BackupContents { workflows, credentials: None })
        };
        listing.answer(group, None, told, answer).await.unwrap();
    });
    tasks.spawn("extract", async move {
        let answer = async |asked: AskExtract| match (asked.what, asked.id.as_str()) {
            (Extracted::Workflow, "w1") => Ok(r#"{"id":"w1","name":"Orders","nodes":[]}"#.to_owned()),
            _ => Err(Absent),
        };
        bus.answer(group, None, stopping, answer).await.unwrap();
    });
}

/// As soon as somebody answers.
async fn ask(platform: &Platform, path: &str, by: &Claims) -> Reply {
    loop {
        let reply = platform.send(Call::get(path).by(by)).await;
        if reply.status != 503 {
            return reply;
        }
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_workflow_is_taken_out_and_that_is_noted(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id: TenantId = platform.send(create).await.json()["tenant_id"].as_str().unwrap().parse().unwrap();
    let backup = kept_backup_of(&database, id, ("verified", 1)).await;
    backup_service(&platform, backup);
    let (owner, of) = (Claims::owner(&[&id.to_string()]), format!("/backups/{backup}"));

    let there = ask(&platform, &format!("{of}/contents"), &owner).await.json();
    let expected = json!({ "workflows": [{ "id": "w1", "name": "Orders", "active": true }], "credentials": null, "truncated": false });
    assert_eq!(there["data"], expected);
    let taken = ask(&platform, &format!("{of}/extract?workflow=w1"), &owner).await;
    assert_eq!((taken.status.as_u16(), taken.header("cache-control")), (200, "no-store"));
    assert_eq!(taken.header("content-type"), "application/json");
    assert_eq!(taken.json(), json!({ "id": "w1", "name": "Orders", "nodes": [] }));
    let absent = ask(&platform, &format!("{of}/extract?credential=w1"), &owner).await;
    absent.assert_problem(404, "not_found");

    let stranger = Claims::owner(&[&TenantId::generate().to_string()]);
    for path in ["contents", "extract?workflow=w1"] {
        ask(&platform, &format!("{of}/{path}"), &stranger).await.assert_problem(404, "not_found");
    }
    let failed = kept_backup_of(&database, id, ("written", 1)).await;
    for path in ["contents", "extract?workflow=w1"] {
        ask(&platform, &format!("/backups/{failed}/{path}"), &owner).await.assert_problem(409, "conflict");
    }
    let entries =
        platform.send(Call::get("/audit?action=backup.extract&outcome=shown").by_a("admin")).await.json();
    let entries = entries["data"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1, "only what was shown: {entries:?}");
    assert_eq!(entries[0]["reason"], Value::from(format!("{backup}, workflow w1")));
    assert_eq!(entries[0]["tenant_id"], json!(id), "of whose it is");
    platform.stop().await;
}
