//! One quota for all replicas.

use futures::{StreamExt, stream};
use sqlx::PgPool;

use super::{ask, limited, somebody};
use crate::support::{Claims, Platform, eventually};

/// Asks so often at once, everywhere in turn; how many were admitted.
async fn admitted(fleet: &[&Platform], who: &Claims, questions: usize) -> usize {
    let answers = stream::iter(0..questions).map(|number| {
        let platform = fleet[number % fleet.len()];
        async move { ask(platform, number / fleet.len() % 2, who).await }
    });
    let answers: Vec<u16> = answers.buffer_unordered(128).collect().await;
    assert!(answers.iter().all(|status| [200, 429].contains(status)), "{answers:?}");
    answers.iter().filter(|status| **status == 200).count()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn two_and_four_replicas_admit_exactly_one_quota(database: PgPool) {
    let figures = [("RATE_LIMIT_OWNER", "1000")];
    let (first, second) = (limited(&database, &figures).await, limited(&database, &figures).await);
    let (one, other) = (somebody(), somebody());
    assert_eq!(admitted(&[&first], &one, 4000).await, 1000);
    assert_eq!(admitted(&[&first, &second], &other, 4000).await, 1000);
    first.stop().await;
    second.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_window_ends_by_itself_though_somebody_never_stops_asking(database: PgPool) {
    let figures = [("RATE_LIMIT_OWNER", "3"), ("RATE_LIMIT_WINDOW_SECONDS", "2")];
    let (platform, who) = (limited(&database, &figures).await, somebody());
    assert_eq!(admitted(&[&platform], &who, 8).await, 3);
    eventually(async || ask(&platform, 1, &who).await == 200).await;
    platform.stop().await;
}
