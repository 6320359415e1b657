//! The tenants' databases in the storm's world.

use async_trait::async_trait;
use n8n::{
    TenantDatabases, Version,
    account::OwnerId,
    credentials::Credential,
    databases::{
        AdminUrlError, ApiKeyRow, Counts, DatabaseError, Migrate, Name, Observed, ObservedDatabase, Owner,
        OwnerLogin,
    },
    schema::Family,
};
use secrecy::SecretString;
use uuid::Uuid;

use super::remote::{Away, Remote};
use crate::world::Kind;

fn unavailable(away: Away) -> DatabaseError {
    DatabaseError::Unavailable(sqlx::Error::Io(away.into()))
}

impl Remote {
    async fn has(&self, kind: Kind) -> Result<bool, DatabaseError> {
        Ok(!self.look_for(kind).await.map_err(unavailable)?.is_empty())
    }
}

#[async_trait]
impl TenantDatabases for Remote {
    fn lead(&self, _: &Name, _: &SecretString) -> Result<(), AdminUrlError> {
        // Nobody in a storm shares an n8n.
        Ok(())
    }

    /// Templates belong to no tenant; here they are always there.
    async fn ensure_template(&self, _: Version, _: &dyn Migrate) -> Result<(), DatabaseError> {
        Ok(())
    }

    async fn ensure_role(&self, name: &Name, _: &SecretString, _: u16) -> Result<(), DatabaseError> {
        self.ensure(Kind::Role, &name.to_string(), String::new()).await.map(drop).map_err(unavailable)
    }

    async fn ensure_database(&self, name: &Name, owner: &Name, _: Version) -> Result<(), DatabaseError> {
        if !self.has(Kind::Role).await? {
            return Err(DatabaseError::NoRole(*owner));
        }
        self.ensure(Kind::Database, &name.to_string(), String::new()).await.map(drop).map_err(unavailable)
    }

    async fn seed_owner(&self, name: &Name, _: &Owner) -> Result<OwnerId, DatabaseError> {
        if !self.has(Kind::Database).await? {
            return Err(DatabaseError::NoDatabase(*name));
        }
        let fresh = Uuid::now_v7().to_string();
        let owner = self.ensure(Kind::Owner, &name.to_string(), fresh).await.map_err(unavailable)?;
        let unknown = |_| DatabaseError::NotUnderstood(format!("the owner of {name} is {owner}"));
        Ok(OwnerId(owner.parse().map_err(unknown)?))
    }

    async fn owner_login(&self, name: &Name) -> Result<OwnerLogin, DatabaseError> {
        Err(DatabaseError::NotUnderstood(format!("nobody signs in to {name} in a storm")))
    }

    async fn reset_owner(&self, name: &Name, _: &str, _: bool) -> Result<String, DatabaseError> {
        Err(DatabaseError::NotUnderstood(format!("nobody signs in to {name} in a storm")))
    }

    async fn seed_api_key(&self, name: &Name, _: &ApiKeyRow) -> Result<(), DatabaseError> {
        if !self.has(Kind::Owner).await? {
            return Err(DatabaseError::NoOwner(*name));
        }
        self.ensure(Kind::Key, &name.to_string(), String::new()).await.map(drop).map_err(unavailable)
    }

    async fn ensure_shared_schema(&self, name: &Name) -> Result<(), DatabaseError> {
        Err(DatabaseError::NotUnderstood(format!("nobody shares {name} in a storm")))
    }

    async fn schema(&self, name: &Name) -> Result<&'static Family, DatabaseError> {
        Err(DatabaseError::NotUnderstood(format!("{name} has no schema in a storm")))
    }

    async fn final_state(&self, name: &Name) -> Result<Counts, DatabaseError> {
        if self.has(Kind::Database).await? {
            Ok(Counts::default())
        } else {
            Err(DatabaseError::NoDatabase(*name))
        }
    }

    async fn credentials(&self, _: &Name) -> Result<Vec<Credential>, DatabaseError> {
        Ok(Vec::new())
    }

    async fn unbegun(&self, _: &Name, _: &[i64]) -> Result<Vec<i64>, DatabaseError> {
        Ok(Vec::new())
    }

    /// Nobody in a storm is restored: there is never anything beside a database.
    async fn put_in_place(&self, name: &Name) -> Result<(), DatabaseError> {
        Err(DatabaseError::NoDatabase(*name))
    }

    async fn keep_former(&self, _: &Name) -> Result<(), DatabaseError> {
        Ok(())
    }

    async fn take_back(&self, _: &Name) -> Result<bool, DatabaseError> {
        Ok(false)
    }

    async fn remove_beside(&self, _: &Name) -> Result<(), DatabaseError> {
        Ok(())
    }

    async fn remove_database(&self, name: &Name) -> Result<(), DatabaseError> {
        let inside = [Kind::Key, Kind::Owner, Kind::Database];
        Remote::remove(self, &inside, &name.to_string()).await.map_err(unavailable)
    }

    async fn remove_role(&self, name: &Name) -> Result<(), DatabaseError> {
        if self.has(Kind::Database).await? {
            return Err(DatabaseError::RoleInUse(*name));
        }
        Remote::remove(self, &[Kind::Role], &name.to_string()).await.map_err(unavailable)
    }

    async fn connections(&self) -> Result<u32, DatabaseError> {
        Ok(u32::MAX)
    }

    async fn sizes(&self) -> Result<Vec<(Name, u64)>, DatabaseError> {
        Ok(Vec::new())
    }

    /// Only the holder's own tenant is shown: nobody who asks looks at others.
    async fn observe(&self) -> Result<Observed, DatabaseError> {
        let seen = self.look().await.map_err(unavailable)?;
        let names = |kind: Kind| {
            let named = seen.iter().filter(move |object| object.kind == kind);
            named.filter_map(|object| object.name.parse::<Name>().ok())
        };
        let databases = names(Kind::Database).map(|name| ObservedDatabase { name, finished: true });
        Ok(Observed {
            databases: databases.collect(),
            roles: names(Kind::Role).collect(),
            keepers: vec![],
            templates: vec![],
        })
    }
}
