//! What only an n8n of a tenant's own has, and one that shares needs while a backup of it is loaded: a login that owns what is loaded, and keys.

use common::{
    error::{Classify, Kind},
    id::TenantId,
    operations::{ContextOf, StepError},
};
use n8n::databases::{DatabaseError, Name};
use sqlx::PgConnection;

use super::RestoreTenant;
use crate::{
    World,
    store::{homes, secrets},
};

/// Nothing of the tenant's logs in with it: as many as an administrator may want to look with.
const CONNECTIONS: u16 = 3;

/// Why they are still there.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    #[error("the record cannot be asked")]
    Record(#[from] sqlx::Error),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Classify for OwnError {
    fn kind(&self) -> Kind {
        match self {
            Self::Record(error) => error.kind(),
            Self::Database(error) => error.kind(),
        }
    }
}

/// They are there.
pub async fn ensure(context: &ContextOf<'_, RestoreTenant>) -> Result<(), StepError> {
    let (record, tenant, world) = (context.database(), context.tenant(), context.observe());
    let mut transaction = context.begin().await?;
    secrets::ensure(&mut transaction, &world.keys, tenant).await?;
    transaction.commit().await?;
    let password = world.secrets(record, tenant).await?.instance.database_password;
    Ok(context.fenced().await?.databases.ensure_role(&Name::of(tenant), &password, CONNECTIONS).await?)
}

/// They are gone, if the tenant shares an n8n and there is no database of its own that they belong to. Nothing stands beside that any more.
pub async fn give_back(
    world: &World,
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<(), OwnError> {
    if !homes::is_shared(&mut *connection, tenant).await? {
        return Ok(());
    }
    let name = Name::of(tenant);
    let Err(DatabaseError::NoDatabase(_)) = world.databases.schema(&name).await else { return Ok(()) };
    world.databases.remove_role(&name).await?;
    Ok(secrets::remove_own_n8n(connection, tenant).await?)
}
