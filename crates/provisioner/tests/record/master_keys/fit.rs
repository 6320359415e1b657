//! Keys that the record would not miss, or would.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    config::Env,
    database::MIGRATOR,
    error::{Classify, Kind},
    secrets::MasterKeys,
};
use provisioner::{KeysError, check_master_keys, rotate_master_key};
use sqlx::PgPool;

use super::{count_under, fill, keys, open_nothing, opened};

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_key_that_rows_still_need_cannot_be_left_out(pool: PgPool) {
    check_master_keys(&pool, &keys(&[1])).await.unwrap();
    fill(&pool, &keys(&[1]), 3).await;
    let error = check_master_keys(&pool, &keys(&[2])).await.unwrap_err();
    assert!(error.to_string().ends_with("not configured: 1 (3 secrets)"), "{error}");
    assert!(rotate_master_key(&pool, &keys(&[2])).await.is_err());
    check_master_keys(&pool, &keys(&[2, 1])).await.unwrap();
    rotate_master_key(&pool, &keys(&[2, 1])).await.unwrap();
    check_master_keys(&pool, &keys(&[2])).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_key_under_a_known_id_is_refused(pool: PgPool) {
    let another = || Env::of([("MASTER_KEY", STANDARD.encode([99; 32]))]).load::<MasterKeys>().unwrap();
    // From before keys were noted: it is known by what it opens.
    fill(&pool, &keys(&[1]), 1).await;
    assert!(matches!(check_master_keys(&pool, &another()).await, Err(KeysError::Different(1))));
    check_master_keys(&pool, &keys(&[1])).await.unwrap();
    // And without a single secret by its fingerprint.
    sqlx::query("delete from tenants").execute(&pool).await.unwrap();
    assert!(matches!(check_master_keys(&pool, &another()).await, Err(KeysError::Different(1))));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_retired_key_wraps_nothing_however_late_somebody_hears_of_it(pool: PgPool) {
    let late = keys(&[1, 2]);
    check_master_keys(&pool, &late).await.unwrap();
    let tenant = fill(&pool, &late, 2).await;
    // Somebody is about to wrap with it, and is waited for.
    let mut writing = common::database::begin(&pool).await.unwrap();
    let wrapped = late.wrap(tenant, "late", &"hunter2".into()).unwrap();
    let insert = || {
        let insert =
            "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, 'late', $2, $3)";
        sqlx::query(insert).bind(tenant).bind(wrapped.key_id).bind(wrapped.ciphertext.clone())
    };
    insert().execute(&mut *writing).await.unwrap();
    let next = keys(&[2, 1]);
    let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    let committing = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
        writing.commit().await.unwrap();
    };
    let (done, ()) = tokio::join!(rotate_master_key(&pool, &next), committing);
    let done = done.unwrap();
    assert_eq!((done.rewrapped, done.retired), (3, vec![1]));
    assert_eq!((count_under(&pool, 1).await, opened(&pool, &next).await.len()), (0, 3));
    assert!(open_nothing(&pool, &keys(&[1])).await);
    // Later it is refused, as a thing that passes: the next try has the next key.
    sqlx::query("delete from tenant_secrets where name = 'late'").execute(&pool).await.unwrap();
    let refused = insert().execute(&pool).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable, "{refused}");
    assert!(matches!(
        check_master_keys(&pool, &keys(&[1, 2])).await,
        Err(KeysError::Missing(_) | KeysError::Retired(1))
    ));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_damaged_secret_is_told_and_its_key_stays(pool: PgPool) {
    let tenant = fill(&pool, &keys(&[1]), 250).await;
    let damage = "update tenant_secrets set ciphertext = '\\x00' where name = 'secret_7'";
    sqlx::query(damage).execute(&pool).await.unwrap();
    for rewrapped in [249, 0] {
        let done = rotate_master_key(&pool, &keys(&[2, 1])).await.unwrap();
        assert_eq!((done.rewrapped, done.retired), (rewrapped, vec![]));
        assert_eq!(done.damaged, [(tenant, "secret_7".to_owned())]);
    }
    assert_eq!(count_under(&pool, 1).await, 1);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whoever_has_the_former_key_takes_nothing_back(pool: PgPool) {
    let next = keys(&[2, 1]);
    fill(&pool, &next, 5).await;
    // The next key is known here, and not the current one yet: it is neither undone nor retired.
    let done = rotate_master_key(&pool, &keys(&[1, 2])).await.unwrap();
    assert_eq!((done.rewrapped, done.retired.len(), count_under(&pool, 2).await), (0, 0, 5));
    check_master_keys(&pool, &next).await.unwrap();
}
