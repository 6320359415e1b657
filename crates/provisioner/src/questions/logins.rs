//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{error::Kind, operations::StepError};
use crate::store::tenants::Tenant;

pub use initial::initial_login;
pub use reset::reset_login;

/// The owner of an n8n that is shared is the platform itself, which works in it by its key: nobody is told a password, nor given one.
fn is_somebodys(tenant: &Tenant) -> Result<(), StepError> {
    if tenant.purpose.is_customer() {
        return Ok(());
    }
    Err(StepError::failed(Kind::NotFound, "Nobody signs in to an n8n that tenants share as its owner."))
}
