//! Connections for owners. They act under a role that row-level security shows nothing, but for the rows of those tenants
//! that the statement itself brings along as a parameter (migration 9, ADR 13).

use sqlx::{PgPool, postgres::PgConnectOptions};

use super::Statements;
use crate::id::TenantId;

/// Named as on Supabase.
const ROLE: &str = "authenticated";

/// Whose rows a statement sees on such a connection. It is told so by being given this as a parameter, whatever it does with it.
///
/// The server checks a parameter of this type when it is bound, and the check makes the setting that the policies read, until
/// the end of the transaction. A statement without one sees nothing, and none sees what another was given.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "tenant_scope", no_pg_array)]
pub struct TenantScope(Vec<TenantId>);

impl TenantScope {
    /// These tenants and no others.
    pub fn of(tenants: &[TenantId]) -> Self {
        Self(tenants.to_vec())
    }
}

/// Connections for owners, to the same database and with the same login.
pub fn owners(pool: &PgPool) -> Statements {
    Statements::with(pool, pool.options().get_max_connections(), as_owner)
}

/// How such a connection begins. Acting under the role is part of it: there is none that has not become it.
pub fn as_owner(pool: &PgPool) -> PgConnectOptions {
    (*pool.connect_options()).clone().options([("role", ROLE)])
}
