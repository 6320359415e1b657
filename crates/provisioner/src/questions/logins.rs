//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{error::Kind, operations::StepError};
use n8n::{
    databases::{DatabaseError, Name, OwnerLogin},
    members::{MemberError, email},
};

use crate::{World, home::Home, store::tenants::Tenant};

pub use initial::initial_login;
pub use reset::reset_login;

/// The owner of an n8n that is shared is the platform itself, which works in it by its key: nobody is told a password, nor given one. Whoever is in
/// a sandbox signs in as they do where it was copied from.
fn is_somebodys(tenant: &Tenant) -> Result<(), StepError> {
    if tenant.purpose.is_customer() {
        return Ok(());
    }
    Err(StepError::failed(
        Kind::NotFound,
        "Nobody is told how to sign in to it as its owner: it is no customer's own n8n.",
    ))
}

/// What its owner signs in with: an address of their own in an n8n of their own, and one that leads nowhere in one that they share, where
/// others might see it.
fn email_of(tenant: &Tenant) -> String {
    match tenant.home {
        Some(Home::Shared(_)) => email(tenant.id),
        Some(Home::Dedicated(_)) | None => tenant.email.clone(),
    }
}

/// How its owner signs in now. `None`: they cannot yet.
async fn login_of(world: &World, tenant: &Tenant) -> Result<Option<OwnerLogin>, StepError> {
    if let Some(Home::Shared(part)) = &tenant.home {
        world.admits(part)?;
    }
    let login = match &tenant.home {
        Some(Home::Shared(part)) => match world.members.login(&part.database(), &part.place).await {
            Err(MemberError::Database(error)) => Err(error),
            Err(MemberError::NoMember(_)) => return Ok(None),
            login => return Ok(Some(login?)),
        },
        Some(Home::Dedicated(_)) | None => world.databases.owner_login(&Name::of(tenant.id)).await,
    };
    match login {
        Err(DatabaseError::NoDatabase(_) | DatabaseError::NoOwner(_)) => Ok(None),
        login => Ok(Some(login?)),
    }
}

/// Gives its owner another password. Returns the address that belongs to it.
async fn give(world: &World, tenant: &Tenant, hash: &str, disable_mfa: bool) -> Result<String, StepError> {
    match &tenant.home {
        Some(Home::Shared(part)) => {
            world.admits(part)?;
            world.members.reset_password(&part.database(), &part.place, hash, disable_mfa).await?;
            Ok(email(tenant.id))
        }
        Some(Home::Dedicated(_)) | None => {
            Ok(world.databases.reset_owner(&Name::of(tenant.id), hash, disable_mfa).await?)
        }
    }
}
