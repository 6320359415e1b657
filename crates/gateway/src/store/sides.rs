//! The sides of a tenant, and what each of them answered lately.

use common::{id::TenantId, tenant::Color, version::Version};
use edge::calls::Answers;
use sqlx::{FromRow, Row as _, postgres::PgRow, types::Json};
use time::OffsetDateTime;
use wire::sides::{Second, Sides};

use super::reader::{Reader, seen};

/// A tenant's sides as they are read.
#[derive(Debug)]
pub struct Found(pub Sides);

impl FromRow<'_, PgRow> for Found {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let version = |text: &str| text.parse::<Version>().map_err(|error| decode(error.into()));
        let color: Color = row
            .try_get::<&str, _>("active_color")?
            .parse()
            .map_err(|error: common::tenant::UnknownWord| decode(error.into()))?;
        let weight = row.try_get::<i16, _>("second_weight")?;
        let second = match row.try_get::<Option<&str>, _>("second_version")? {
            Some(text) => Some(Second {
                version: version(text)?,
                weight: u8::try_from(weight).map_err(|error| decode(error.into()))?,
                is_former: row.try_get("second_is_former")?,
            }),
            None => None,
        };
        Ok(Self(Sides { color, version: version(row.try_get("n8n_version")?)?, second }))
    }
}

/// Which sides has this tenant?
pub async fn of_tenant(reader: &Reader<'_>, tenant: TenantId) -> Result<Option<Sides>, sqlx::Error> {
    let asked = reader.ask::<Found>(concat!(
        "select t.active_color, t.n8n_version, t.second_version, t.second_weight, t.second_is_former
           from tenants t where ",
        seen!("t.id"),
        " and t.id = $2"
    ));
    Ok(asked.bind(tenant).optional().await?.map(|Found(sides)| sides))
}

/// What the edge had counted of one side at one moment.
#[derive(Debug)]
pub struct Counted {
    pub host: String,
    pub color: Color,
    pub webhooks: bool,
    pub read_at: OffsetDateTime,
    pub started_at: OffsetDateTime,
    pub answers: Answers,
}

impl FromRow<'_, PgRow> for Counted {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let color: Result<Color, _> = row.try_get::<&str, _>("color")?.parse();
        let Json(answers) = row.try_get("answers")?;
        Ok(Self {
            host: row.try_get("host")?,
            color: color.map_err(|error| sqlx::Error::Decode(error.into()))?,
            webhooks: row.try_get("webhooks")?,
            read_at: row.try_get("read_at")?,
            started_at: row.try_get("started_at")?,
            answers,
        })
    }
}

/// What was read of its sides within the last five minutes, the oldest first.
pub async fn lately(reader: &Reader<'_>, tenant: TenantId) -> Result<Vec<Counted>, sqlx::Error> {
    let asked = reader.ask::<Counted>(concat!(
        "select s.host, s.color, s.webhooks, s.read_at, s.started_at, s.answers
           from side_readings s where ",
        seen!("s.tenant_id"),
        " and s.tenant_id = $2 and s.read_at > now() - interval '5 minutes' order by s.read_at"
    ));
    asked.bind(tenant).all().await
}
