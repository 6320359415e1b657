//! Whether the chain still says what it said.

use futures::TryStreamExt;
use sqlx::{FromRow, PgPool};
use time::{Duration, OffsetDateTime};

use super::{
    row::{COLUMNS, Row},
    seal::Anchor,
};
use crate::database;

/// Rows are chained within seconds, the oldest first. One that claims to be so much older than the row before it was
/// written later than it says.
const BACKDATED: Duration = Duration::minutes(5);

/// Something that nobody but a forger does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row does not have the hash it had: it was edited, moved or put in.
    Altered { position: i64 },
    /// The row does not follow the one before it.
    Unlinked { position: i64 },
    /// Rows are gone, the first of which was here.
    Missing { position: i64 },
    /// The row was written later than it says.
    Backdated { position: i64 },
    /// The chain does not end where its end was noted: its tail was cut off, or grew by another hand.
    WrongEnd { noted: i64, found: i64 },
    /// The chain does not run through a place that was noted elsewhere: it was cut off before it, or made anew.
    Contradicted { position: i64 },
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are chained.
    pub sealed: i64,
    /// Rows that are too new to be chained. Nothing can be said of them.
    pub unsealed: i64,
    pub faults: Vec<Fault>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

#[derive(FromRow)]
struct Link {
    #[sqlx(flatten)]
    row: Row,
    position: i64,
    previous_hash: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

/// Reads the whole chain.
pub async fn verify(pool: &PgPool) -> Result<Report, sqlx::Error> {
    verify_against(pool, &[]).await
}

/// Reads the whole chain, and sees whether it runs through these places.
pub async fn verify_against(pool: &PgPool, anchors: &[Anchor]) -> Result<Report, sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    // One view of rows and end, whatever is chained meanwhile; and a long log takes its time.
    sqlx::query("set transaction isolation level repeatable read, read only")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
    let noted: Anchor =
        sqlx::query_as("select position, hash from audit_head").fetch_one(&mut *transaction).await?;
    let unsealed = "select count(*) from audit_logs where position is null";
    let unsealed = sqlx::query_scalar(unsealed).fetch_one(&mut *transaction).await?;
    let mut walk = Walk::new(anchors, unsealed);
    let links = format!(
        "select {COLUMNS}, position, previous_hash, hash from audit_logs where position is not null order by position"
    );
    let links = sqlx::query_as(sqlx::AssertSqlSafe(links));
    let mut links = links.fetch(&mut *transaction);
    while let Some(link) = links.try_next().await? {
        walk.step(link);
    }
    Ok(walk.finish(&noted))
}

struct Walk<'a> {
    report: Report,
    anchors: &'a [Anchor],
    end: Anchor,
    at: Option<OffsetDateTime>,
}

impl<'a> Walk<'a> {
    fn new(anchors: &'a [Anchor], unsealed: i64) -> Self {
        let end = Anchor { position: 0, hash: vec![0; 32] };
        Self { report: Report { unsealed, ..Report::default() }, anchors, end, at: None }
    }

    fn step(&mut self, link: Link) {
        let Link { row, position, previous_hash, hash } = link;
        let (previous, hash) = (previous_hash.unwrap_or_default(), hash.unwrap_or_default());
        let faults = &mut self.report.faults;
        if position != self.end.position + 1 {
            faults.push(Fault::Missing { position: self.end.position + 1 });
        }
        if previous != self.end.hash {
            faults.push(Fault::Unlinked { position });
        }
        if row.hash(position, &previous) != hash {
            faults.push(Fault::Altered { position });
        }
        if self.at.is_some_and(|before| row.at + BACKDATED < before) {
            faults.push(Fault::Backdated { position });
        }
        self.report.sealed += 1;
        self.at = Some(row.at);
        self.end = Anchor { position, hash };
        if self.anchors.iter().any(|anchor| anchor.position == position && *anchor != self.end) {
            self.report.faults.push(Fault::Contradicted { position });
        }
    }

    fn finish(mut self, noted: &Anchor) -> Report {
        if *noted != self.end {
            let (noted, found) = (noted.position, self.end.position);
            self.report.faults.push(Fault::WrongEnd { noted, found });
        }
        let beyond = self.anchors.iter().filter(|anchor| anchor.position > self.end.position);
        self.report.faults.extend(beyond.map(|anchor| Fault::Contradicted { position: anchor.position }));
        self.report
    }
}
