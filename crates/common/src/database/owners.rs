//! Connections for owners. They act under a role that row-level security shows nothing, but for the rows of those tenants
//! that the statement itself brings along as a parameter (migration 9, ADR 13).

use sqlx::PgPool;

use super::pooled;
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

/// A second pool beside that of a service, to the same database and with the same login. Closed when that one is.
pub fn owners(services: &PgPool) -> PgPool {
    let options = services.options();
    // Part of how a connection begins: there is none that has not become this role.
    let acting = (*services.connect_options()).clone().options([("role", ROLE)]);
    let owners =
        pooled(options.get_max_connections(), options.get_acquire_timeout()).connect_lazy_with(acting);
    close_together(services, owners.clone());
    owners
}

#[expect(
    clippy::disallowed_methods,
    reason = "it ends with the pool it follows; nobody needs to wait for it"
)]
fn close_together(services: &PgPool, owners: PgPool) {
    let closed = services.close_event();
    tokio::spawn(async move {
        closed.await;
        owners.close().await;
    });
}
