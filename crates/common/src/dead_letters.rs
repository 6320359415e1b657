//! Messages that could not be handled, kept with the reason until a person sends them again or deletes them.

use metrics::counter;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{
    error::writable,
    id::{DeadLetterId, OperationId, TenantId},
};

/// Why a message could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its bytes are not the message they should be.
    Malformed,
    /// It is of a sort, or of a version, that nobody here understands.
    Unknown,
    /// It came too late to be acted on.
    Expired,
    /// Every attempt failed.
    Exhausted,
    /// It was understood and cannot be done.
    Refused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Malformed, Self::Unknown, Self::Expired, Self::Exhausted, Self::Refused];

    /// The word in the database, the API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Refused => "refused",
        }
    }
}

/// A message nobody could handle.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Who could not handle it.
    pub service: &'static str,
    pub subject: String,
    pub reason: Reason,
    /// For operators, in our own words.
    pub detail: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// A JSON object of texts.
    pub headers: Value,
    pub payload: Vec<u8>,
    pub published_at: OffsetDateTime,
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
}

impl DeadLetter {
    /// Tells it from every other message, and not from itself when it is delivered again.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let published = self.published_at.unix_timestamp_nanos().to_be_bytes();
        let headers = self.headers.to_string();
        for part in [self.service.as_bytes(), self.subject.as_bytes(), &published, headers.as_bytes()] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        digest.update(&self.payload);
        digest.finalize().into()
    }
}

/// Where they are kept.
#[derive(Debug, Clone)]
pub struct DeadLetters(PgPool);

impl DeadLetters {
    /// Those of this record.
    pub fn new(record: PgPool) -> Self {
        Self(record)
    }

    /// Keeps one; doing so again changes nothing.
    pub async fn keep(&self, letter: &DeadLetter) -> Result<(), sqlx::Error> {
        let kept = sqlx::query(
            "insert into dead_letters (id, service, subject, reason, detail, attempts, headers, payload, published_at,
                 tenant_id, operation_id, digest)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (digest) do nothing",
        )
        .bind(DeadLetterId::generate())
        .bind(letter.service)
        .bind(&letter.subject)
        .bind(letter.reason.as_str())
        .bind(writable(&letter.detail))
        .bind(i32::try_from(letter.attempts).unwrap_or(i32::MAX))
        .bind(&letter.headers)
        .bind(&letter.payload)
        .bind(letter.published_at)
        .bind(letter.tenant)
        .bind(letter.operation)
        .bind(letter.digest())
        .execute(&self.0)
        .await?;
        if kept.rows_affected() == 1 {
            counter!("rp9_dead_letters_total", "service" => letter.service, "reason" => letter.reason.as_str())
                .increment(1);
            tracing::warn!(
                consumer = letter.service,
                subject = letter.subject,
                reason = letter.reason.as_str(),
                detail = letter.detail,
                "a message became a dead letter"
            );
        }
        Ok(())
    }
}
