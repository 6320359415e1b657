//! Whatever is done to the audit log behind its back is found.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use common::{
    audit::{Anchor, Fault, seal, verify, verify_against},
    database::MIGRATOR,
    id::AuditId,
};
use sqlx::PgPool;

const ROWS: i64 = 6;

async fn note(pool: &PgPool, actor: &str) {
    let insert = "insert into audit_logs (id, at, actor, role, action, correlation_id, outcome)
                  values ($1, clock_timestamp(), $2, 'admin', 'tenant.create', 'c', 'accepted')";
    sqlx::query(insert).bind(AuditId::generate()).bind(actor).execute(pool).await.unwrap();
}

async fn chain(pool: &PgPool) {
    for number in 0..ROWS {
        note(pool, &format!("admin-{number}")).await;
    }
    assert_eq!(seal(pool).await.unwrap(), ROWS as u64);
}

async fn tamper(pool: &PgPool, statement: &'static str) {
    sqlx::raw_sql(statement).execute(pool).await.unwrap();
}

async fn faults(pool: &PgPool) -> Vec<Fault> {
    verify(pool).await.unwrap().faults
}

async fn head(pool: &PgPool) -> Anchor {
    sqlx::query_as("select position, hash from audit_head").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_untouched_log_is_sound_and_the_newest_rows_are_named_as_unsealed(pool: PgPool) {
    assert!(verify(&pool).await.unwrap().is_sound(), "an empty one too");
    chain(&pool).await;
    note(&pool, "late").await;
    let report = verify(&pool).await.unwrap();
    assert_eq!((report.sealed, report.unsealed, report.faults), (ROWS, 1, vec![]));
    assert_eq!(seal(&pool).await.unwrap(), 1);
    assert_eq!(seal(&pool).await.unwrap(), 0);
    assert!(verify(&pool).await.unwrap().is_sound());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn every_column_of_a_row_is_held(pool: PgPool) {
    chain(&pool).await;
    for change in [
        "id = gen_random_uuid()",
        "at = at + interval '1 microsecond'",
        "actor = 'somebody else'",
        "role = 'owner'",
        "action = 'tenant.delete'",
        "tenant_id = gen_random_uuid()",
        "operation_id = gen_random_uuid()",
        "correlation_id = ''",
        "outcome = 'refused'",
        "request_digest = ''",
        "reason = ''",
        "hash = null",
    ] {
        let mut edit = common::database::begin(&pool).await.unwrap();
        let update = format!("update audit_logs set {change} where position = 3");
        sqlx::query(sqlx::AssertSqlSafe("create table kept as select * from audit_logs where position = 3"))
            .execute(&mut *edit)
            .await
            .unwrap();
        sqlx::query(sqlx::AssertSqlSafe(update)).execute(&mut *edit).await.unwrap();
        edit.commit().await.unwrap();
        assert!(faults(&pool).await.contains(&Fault::Altered { position: 3 }), "{change}");
        tamper(
            &pool,
            "delete from audit_logs where position = 3; insert into audit_logs select * from kept; drop table kept",
        )
        .await;
        assert_eq!(faults(&pool).await, [], "{change}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_deleted_row_is_missed(pool: PgPool) {
    chain(&pool).await;
    tamper(&pool, "delete from audit_logs where position = 3").await;
    assert!(faults(&pool).await.contains(&Fault::Missing { position: 3 }));
    // Closing the gap does not help.
    tamper(&pool, "update audit_logs set position = position - 1 where position = 4").await;
    assert!(faults(&pool).await.contains(&Fault::Altered { position: 3 }));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn rows_that_were_swapped_are_found(pool: PgPool) {
    chain(&pool).await;
    tamper(
        &pool,
        "update audit_logs set position = -1 where position = 2;
         update audit_logs set position = 2 where position = 4;
         update audit_logs set position = 4 where position = -1",
    )
    .await;
    let faults = faults(&pool).await;
    for position in [2, 4] {
        assert!(faults.contains(&Fault::Altered { position }), "{faults:?}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_row_that_was_put_in_is_found(pool: PgPool) {
    chain(&pool).await;
    let forged = "insert into audit_logs
                      (id, at, actor, role, action, correlation_id, outcome, position, previous_hash, hash)
                  select gen_random_uuid(), at, actor, role, action, correlation_id, outcome, 7, hash, hash
                    from audit_logs where position = 6";
    tamper(&pool, forged).await;
    let found = faults(&pool).await;
    assert!(found.contains(&Fault::Altered { position: 7 }), "{found:?}");
    assert!(found.contains(&Fault::WrongEnd { noted: 6, found: 7 }), "{found:?}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_row_that_is_written_late_and_says_otherwise_is_found(pool: PgPool) {
    chain(&pool).await;
    note(&pool, "backdated").await;
    tamper(&pool, "update audit_logs set at = at - interval '1 day' where position is null").await;
    seal(&pool).await.unwrap();
    assert_eq!(faults(&pool).await, [Fault::Backdated { position: 7 }]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tail_that_was_cut_off_is_missed(pool: PgPool) {
    chain(&pool).await;
    let anchor = head(&pool).await;
    assert!(verify_against(&pool, std::slice::from_ref(&anchor)).await.unwrap().is_sound());
    tamper(&pool, "delete from audit_logs where position > 4").await;
    assert_eq!(faults(&pool).await, [Fault::WrongEnd { noted: 6, found: 4 }]);
    // Whoever moves the noted end too is betrayed by what was noted elsewhere.
    tamper(
        &pool,
        "update audit_head set (position, hash) = (select position, hash from audit_logs where position = 4)",
    )
    .await;
    assert_eq!(faults(&pool).await, []);
    let contradicted = verify_against(&pool, std::slice::from_ref(&anchor)).await.unwrap().faults;
    assert_eq!(contradicted, [Fault::Contradicted { position: 6 }]);
    // So is whoever then lets the chain grow again.
    note(&pool, "x").await;
    note(&pool, "y").await;
    seal(&pool).await.unwrap();
    let contradicted = verify_against(&pool, &[anchor]).await.unwrap().faults;
    assert_eq!(contradicted, [Fault::Contradicted { position: 6 }]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn many_sealers_make_one_chain(pool: PgPool) {
    let writers = (0..8).map(|writer| {
        let pool = pool.clone();
        async move {
            for number in 0..20 {
                note(&pool, &format!("{writer}-{number}")).await;
                seal(&pool).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    seal(&pool).await.unwrap();
    let report = verify(&pool).await.unwrap();
    assert_eq!((report.sealed, report.unsealed, report.faults), (160, 0, vec![]));
}
