//! The two ways to name a tenant.

use std::fmt;

use common::{id::TenantId, tenant::Subdomain};
use serde_json::{Value, json};

use crate::{
    http::fields::{Fault, Text},
    problem::{Answered, FieldError, Pointer, Problem},
    store::{
        reader::Reader,
        tenants::{Tenant, find_by_subdomain},
    },
};

/// An id or a subdomain. No subdomain holds an underscore and every id does, so they cannot be confused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantName {
    Id(TenantId),
    Subdomain(Subdomain),
}

/// What lists and streams call it that can be narrowed to one tenant.
const PARAMETER: &str = "tenant";

impl TenantName {
    /// Reads either.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.parse().map(Self::Id).ok();
        id.or_else(|| text.parse().map(Self::Subdomain).ok())
    }

    /// Its id. A subdomain that nobody has, or somebody whom the caller does not see, is refused; an id may be that of one long gone.
    pub async fn id(&self, reader: &Reader<'_>) -> Answered<TenantId> {
        let subdomain = match self {
            Self::Id(id) => return Ok(*id),
            Self::Subdomain(subdomain) => subdomain,
        };
        let found: Option<Tenant> = find_by_subdomain(reader, subdomain).await?;
        let unknown =
            || FieldError::new(Pointer::to(PARAMETER), "unknown_tenant", "no tenant has this subdomain");
        found.map(|tenant| tenant.id).ok_or_else(|| Problem::fields(vec![unknown()]))
    }

    /// The same where nothing may be asked for.
    pub async fn id_of(name: Option<&Self>, reader: &Reader<'_>) -> Answered<Option<TenantId>> {
        match name {
            Some(name) => name.id(reader).await.map(Some),
            None => Ok(None),
        }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Subdomain(subdomain) => f.write_str(subdomain.as_str()),
        }
    }
}

impl Text for TenantName {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::new("invalid_tenant", "must be a tenant's id or subdomain");
        Self::parse(text).ok_or_else(fault)
    }

    fn schema() -> Value {
        let either = "^(ten_[0-9a-f]{32}|[a-z0-9]+(-[a-z0-9]+)*)$";
        json!({ "type": "string", "pattern": either, "minLength": 3, "maxLength": 40 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_subdomain_and_the_other_way_round() {
        let id = TenantId::generate();
        assert_eq!(TenantName::parse(&id.to_string()), Some(TenantName::Id(id)));
        assert!(matches!(TenantName::parse("acme"), Some(TenantName::Subdomain(_))));
        for bad in ["", "x", "Acme", "ten_1", "a\0b", "ten_0198c0de00007000800000000000000"] {
            assert_eq!(TenantName::parse(bad), None, "{bad:?}");
        }
    }
}
