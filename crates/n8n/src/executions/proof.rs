//! Whether the meter sees.

use sqlx::postgres::PgConnection;

use crate::databases::{DatabaseError, refused};

/// In a transaction that is never committed: n8n and everybody else see nothing of it, and the meter must.
pub(super) async fn is_seen(connection: &mut PgConnection) -> Result<bool, DatabaseError> {
    let proof = sqlx::raw_sql(include_str!("proof.sql")).execute(&mut *connection).await;
    match proof {
        Err(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some(SEEN) => Ok(true),
        Err(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some(UNSEEN) => {
            Ok(false)
        }
        Err(error) => Err(refused("prove a meter")(error)),
        // The statement ends with one of the two.
        Ok(_) => Ok(false),
    }
}

/// What the proof ends with, so that nothing of it stays.
const SEEN: &str = "RP9OK";
const UNSEEN: &str = "RP9NO";
