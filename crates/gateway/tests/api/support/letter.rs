//! A message that nobody could handle.

use common::{
    dead_letters::{DeadLetter, DeadLetters, Reason},
    id::DeadLetterId,
};
use serde_json::json;
use sqlx::PgPool;

/// One that came under this subject, and belongs to nobody.
pub fn garbled(subject: &str) -> DeadLetter {
    DeadLetter {
        service: "provisioner",
        subject: subject.into(),
        reason: Reason::Malformed,
        detail: "It is garbled.".into(),
        attempts: 1,
        headers: json!({}),
        payload: b"garbled".to_vec(),
        published_at: common::clock::now(),
        tenant: None,
        operation: None,
    }
}

/// Keeps it, and tells under which id.
pub async fn keep(database: &PgPool, letter: &DeadLetter) -> DeadLetterId {
    DeadLetters::new(database.clone()).keep(letter).await.unwrap();
    let id = sqlx::query_scalar("select id from dead_letters where subject = $1").bind(&letter.subject);
    id.fetch_one(database).await.unwrap()
}
