//! Reading on somebody's behalf.
//!
//! Two lines keep owners to their tenants. Each statement filters by the scope, its `$1`; and owners' statements run on
//! connections to which the record itself shows no other rows (ADR 13). A [`Scope`] that is limited yields a reader with
//! such connections and nothing else, so the second line holds where the first was forgotten. Programs that serve customers see all of those
//! and nothing that the platform runs for itself (ADR 39): the first line alone, and the same words.

use common::database::{Statements, TenantScope, owners};
use sqlx::{Encode, FromRow, PgPool, Postgres, Type, postgres::PgArguments, postgres::PgRow, query::QueryAs};

use crate::auth::Scope;

/// What readers are made of.
#[derive(Debug, Clone)]
pub struct Readers {
    /// See everything.
    services: Statements,
    /// See what each statement is given.
    owners: Statements,
}

impl Readers {
    /// Readers of this record.
    pub fn new(database: &PgPool, services: Statements) -> Self {
        Self { services, owners: owners(database) }
    }

    /// Who reads for somebody with this scope.
    pub fn of(&self, scope: &Scope) -> Reader<'_> {
        let seen = match scope.only() {
            Some(tenants) => Seen::Only(TenantScope::of(tenants)),
            None if scope.sees_the_platforms_own() => Seen::Everything,
            None => Seen::Customers,
        };
        let limited = matches!(seen, Seen::Only(_));
        Reader { connections: if limited { &self.owners } else { &self.services }, seen, as_owner: limited }
    }
}

impl Readers {
    /// Who reads, for somebody with this scope, what was found to be a copy of theirs. It is no tenant of theirs, so neither line lets them see it:
    /// whoever asks has to have decided that they may. They are told it in their own wording.
    pub fn beside(&self, scope: &Scope) -> Reader<'_> {
        let as_owner = scope.only().is_some();
        Reader { connections: &self.services, seen: Seen::Everything, as_owner }
    }
}

/// One question in two wordings: owners' connections may not even name what is not for them.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub by_services: &'static str,
    pub by_owners: &'static str,
}

impl Asked {
    /// The wording for this reader.
    pub fn of(self, reader: &Reader<'_>) -> &'static str {
        if reader.as_owner { self.by_owners } else { self.by_services }
    }
}

/// Asks the record on somebody's behalf.
#[derive(Debug)]
pub struct Reader<'a> {
    connections: &'a Statements,
    seen: Seen,
    /// Which wording they are told it in.
    as_owner: bool,
}

/// What a reader sees, as `$1` says it.
#[derive(Debug)]
enum Seen {
    /// Null.
    Everything,
    /// A list with one element, null: no tenant is equal to that, so a statement that has no word for it shows nothing.
    Customers,
    /// The tenants.
    Only(TenantScope),
}

/// Whether the tenant in this column is one that `$1` shows; `null` in it concerns no tenant. Few are not customers', so they are asked for once
/// in a statement.
macro_rules! seen {
    ($tenant:literal) => {
        concat!(
            "($1::uuid[] is null
              or (",
            $tenant,
            " = any ($1) or array_position($1::uuid[], null) is not null)
                 and coalesce(",
            $tenant,
            " <> all (array(select own.id from tenants own where own.purpose <> 'customer')), true))"
        )
    };
}
pub(crate) use seen;

impl Reader<'_> {
    /// Asks this. `$1` is bound already, for `seen!`.
    pub fn ask<T>(&self, question: &'static str) -> Question<'_, T>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let query = sqlx::query_as(question);
        let query = match &self.seen {
            Seen::Only(tenants) => query.bind(tenants),
            Seen::Customers => query.bind(vec![None::<uuid::Uuid>]),
            Seen::Everything => query.bind(None::<Vec<uuid::Uuid>>),
        };
        Question { connections: self.connections, query }
    }
}

/// A question, being given its parameters.
pub struct Question<'q, T> {
    connections: &'q Statements,
    query: QueryAs<'q, Postgres, T, PgArguments>,
}

impl<'q, T> Question<'q, T>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    /// The next parameter, from `$2` on.
    pub fn bind<V: Encode<'q, Postgres> + Type<Postgres> + 'q>(mut self, value: V) -> Self {
        self.query = self.query.bind(value);
        self
    }

    /// Every row of the answer.
    pub async fn all(self) -> Result<Vec<T>, sqlx::Error> {
        self.query.fetch_all(self.connections).await
    }

    /// The row of the answer, if there is one.
    pub async fn optional(self) -> Result<Option<T>, sqlx::Error> {
        self.query.fetch_optional(self.connections).await
    }

    /// The row of the answer.
    pub async fn one(self) -> Result<T, sqlx::Error> {
        self.query.fetch_one(self.connections).await
    }
}
