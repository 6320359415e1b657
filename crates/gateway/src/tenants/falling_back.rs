//! Back into a shared n8n in an emergency: how that is asked for.

use common::{id::BackupId, tenant::Mode};
use serde_json::{Value, json};
use wire::kinds::TenantFailover;

use super::words::Reason;
use crate::{
    http::{
        fields::{Fault, Text},
        request::request,
    },
    problem::{Answered, Code, Problem},
    store::tenants::Tenant,
};

request! {
    /// Where a tenant falls back to, and why.
    pub struct FailoverAsked: Request {
        /// `shared`: an n8n that tenants share, in the tenant's own cluster.
        #[example = "shared"]
        target: Target,
        /// What it is brought back from. When absent, its own database, or the newest backup where that cannot be read.
        #[example = "bak_0198c0de0000700080000000000000dd"]
        backup_id: Option<BackupId>,
        /// For those who read the audit log, and whoever wonders at night; 1 to 500 characters.
        #[example = "Its containers are gone, and the engine does not make new ones."]
        reason: Reason,
    }
}

/// Where to.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    Shared,
}

impl Text for Target {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text == Mode::Shared.as_str() {
            return Ok(Self::Shared);
        }
        Err(Fault::new("unknown_target", format!("must be {}", Mode::Shared.as_str())))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": [Mode::Shared.as_str()] })
    }
}

impl FailoverAsked {
    /// What the operation is asked.
    pub const fn request(&self) -> TenantFailover {
        let Target::Shared = self.target;
        TenantFailover { backup: self.backup_id }
    }
}

/// Whether it has an n8n of its own that it could fall back from.
pub fn can_fall_back(tenant: &Tenant) -> Answered<()> {
    match tenant.mode.0 {
        Mode::Dedicated => Ok(()),
        Mode::Shared => Err(Problem::new(Code::Conflict).detail("The tenant shares an n8n already.")),
    }
}
