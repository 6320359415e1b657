//! A member's script becomes an n8n of their own, whoever they are.

use async_trait::async_trait;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::{
    nodes::{self, Holder},
    own,
    pour::{Pouring, pour},
};
use crate::{
    account::UserId,
    copies::{CopyError, Stream},
    databases::{Name, refused, run},
    members::{PUT_BACK, Place, paths},
};

/// The one person who is in it, and their project.
const WHO: &str = r#"SELECT r."projectId"::text, r."userId" FROM project_relation r WHERE r.role = 'project:personalOwner'"#;

/// Into a database that has n8n's tables, and nobody in them.
pub async fn pour_alone(inside: &mut PgConnection, script: Stream, of: &Name) -> Result<(), CopyError> {
    pour(inside, script, &Alone(of)).await
}

struct Alone<'a>(&'a Name);

#[async_trait]
impl Pouring for Alone<'_> {
    fn role(&self) -> &Name {
        self.0
    }

    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        own::is_empty(inside).await
    }

    /// They sign in as they did.
    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        let place = who(inside).await?;
        for holder in [Holder::WORKFLOWS, Holder::VERSIONS] {
            nodes::change(inside, &holder, &place.project, paths::strip).await?;
        }
        run(inside, "put executions back", PUT_BACK).await?;
        run(inside, "forget where it listened", "DELETE FROM webhook_entity").await?;
        own::owns(inside, &place, None).await
    }
}

async fn who(inside: &mut PgConnection) -> Result<Place, CopyError> {
    let who: Vec<(String, Uuid)> =
        sqlx::query_as(WHO).fetch_all(inside).await.map_err(refused("look for a member"))?;
    let [(project, user)] = who.as_slice() else {
        return Err(CopyError::NotWhole(format!("it is of {} people, and not of one", who.len())));
    };
    let project =
        project.parse().map_err(|error| CopyError::NotWhole(format!("its project {project:?} {error}")))?;
    Ok(Place { user: UserId(*user), project })
}
