//! Every tenant has its schedules, on its own clocks, and each firing one backup.

use backup::nightly::{self, Nightly};
use common::{
    clock,
    database::MIGRATOR,
    schedules::{Firing, Subject},
    service::Round as _,
};
use sqlx::PgPool;

use crate::support::{Fakes, manual};

async fn schedules(pool: &PgPool) -> Vec<(String, String)> {
    let all =
        "select cron, zone from schedules where service = 'backup' and retired_at is null order by cron";
    sqlx::query_as(all).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tenants_have_nights_on_their_own_clocks(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, _) = (fakes.tenant("customer").await, fakes.tenant("shared").await);
    let mut round = Nightly::new(pool.clone(), "fake".parse().unwrap());
    let set = |zone: &'static str| {
        let set = "update tenants set metadata = jsonb_build_object('time_zone', $2) where id = $1";
        sqlx::query(set).bind(tenant).bind(zone).execute(&pool)
    };
    for zone in ["UTC", "America/New_York", "Mars/Olympus"] {
        if zone != "UTC" {
            set(zone).await.unwrap();
        }
        for _ in 0..2 {
            round.run().await.unwrap();
            let known = if zone == "Mars/Olympus" { "UTC" } else { zone };
            let expected =
                ["0 2 * * *", "0 3 * * 0", "0 4 1 * *"].map(|cron| (cron.to_owned(), known.to_owned()));
            assert_eq!(schedules(&pool).await, expected);
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_firing_that_is_run_again_asks_once(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let firing = Firing {
        schedule: format!("backup.daily.{tenant}"),
        due_at: clock::now(),
        subject: Subject::Tenant(tenant),
        payload: serde_json::json!({ "type": "daily" }),
        attempt: 1,
    };
    let jobs = nightly::jobs(&pool);
    for attempt in 1..=3 {
        jobs[0].run(&Firing { attempt, ..firing.clone() }).await.unwrap();
    }
    let asked: Vec<(String, i32, String)> =
        sqlx::query_as("select type, retention_days, status from backups").fetch_all(&pool).await.unwrap();
    assert_eq!(asked, [("daily".to_owned(), 7, "queued".to_owned())]);
    // Another may be asked for meanwhile, and waits its turn.
    assert!(fakes.accept(tenant, &manual()).await);
}
