//! The record in memory answers as Postgres does: both are asked the same random questions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod both;

use common::database::MIGRATOR;
use sqlx::PgPool;
use testkit::seeds;

use both::{Both, schedules::BothSchedules};

/// Enough for every answer to be seen many times.
const SEQUENCES: u64 = 60;
const QUESTIONS: usize = 60;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn both_records_give_the_same_answers(pool: PgPool) {
    for seed in seeds::chosen(SEQUENCES) {
        let mut both = Both::new(&pool, seed).await;
        for question in 0..QUESTIONS {
            let (asked, memory, postgres) = both.ask().await;
            assert_eq!(memory, postgres, "seed {seed}, question {question}: {asked}");
        }
        let (memory, postgres) = both.rows().await;
        assert_eq!(memory, postgres, "seed {seed}, the rows at the end");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn both_records_of_schedules_give_the_same_answers(pool: PgPool) {
    for seed in seeds::chosen(SEQUENCES) {
        let mut both = BothSchedules::new(&pool, seed).await;
        for question in 0..QUESTIONS {
            let (asked, memory, postgres) = both.ask().await;
            assert_eq!(memory, postgres, "seed {seed}, question {question}: {asked}");
        }
        let (memory, postgres) = both.rows().await;
        assert_eq!(memory, postgres, "seed {seed}, the rows at the end");
    }
}
