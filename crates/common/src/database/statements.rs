//! Connections for statements that stand alone.

use std::fmt;

use deadpool::managed::{
    self, Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, WeakPool,
};
use futures::{
    FutureExt, StreamExt, TryFutureExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Connection, Describe, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::{Duration, timeout};

use super::{ALIVE_FOR, fitness, write_probe::WriteProbe};

/// How long a connection may take to say where it stands, when that is in doubt.
const SETTLED_WITHIN: Duration = Duration::from_secs(1);

/// After this a connection is replaced: the server keeps more and more for one, and after a failover it may lead to a former server.
/// As long as in sqlx's pool.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Executes single statements, each a transaction of its own and one round trip.
///
/// sqlx's pool asks a connection whether it is well each time it comes back, and has a task for that: a second round trip for each
/// statement. Here that is done only where a statement failed or was not waited for (ADR 17), with a question that also tells whether
/// the server takes writes. Transactions are begun elsewhere ([`super::begin`]).
#[derive(Clone)]
pub struct Statements(Pool<Connections>);

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the options, which know a password.
        f.debug_tuple("Statements").field(&self.0.status()).finish()
    }
}

struct Connections {
    /// Whose login they have: that may change.
    pool: PgPool,
    /// What of it is theirs.
    options: fn(&PgPool) -> PgConnectOptions,
    probe: WriteProbe,
}

impl Manager for Connections {
    type Type = PgConnection;
    type Error = Error;

    async fn create(&self) -> Result<PgConnection, Error> {
        let options = (self.options)(&self.pool);
        let mut connection = PgConnection::connect_with(&options).await?;
        fitness::check(&mut connection, &options, &self.probe).await?;
        Ok(connection)
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<Error> {
        if metrics.age() > LIFETIME {
            return Err(RecycleError::message("it is old"));
        }
        if metrics.last_used() > ALIVE_FOR && !fitness::is_of_use(connection, &self.probe).await? {
            return Err(RecycleError::message("its server takes no writes"));
        }
        Ok(())
    }
}

impl Statements {
    /// On as many connections as this pool may have, of the same kind. Closed when it is.
    pub fn beside(pool: &PgPool) -> Self {
        let connections = pool.options().get_max_connections();
        Self::with(pool, connections, |pool| (*pool.connect_options()).clone())
    }

    /// On connections of another kind, to the same database.
    pub(super) fn with(pool: &PgPool, connections: u32, options: fn(&PgPool) -> PgConnectOptions) -> Self {
        let patience = Some(pool.options().get_acquire_timeout());
        let timeouts = managed::Timeouts { wait: patience, create: patience, recycle: patience };
        let built = Pool::builder(Connections { pool: pool.clone(), options, probe: WriteProbe::default() })
            .max_size(connections as usize)
            .timeouts(timeouts)
            .runtime(deadpool::Runtime::Tokio1)
            .build();
        #[expect(clippy::expect_used, reason = "fails only for timeouts without a runtime")]
        let statements = Self(built.expect("a pool with a runtime"));
        close_with(pool, statements.0.weak());
        statements
    }

    async fn borrow(&self) -> Result<Borrowed, Error> {
        match self.0.get().await {
            Ok(connection) => Ok(Borrowed(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Closed) => Err(Error::PoolClosed),
            Err(PoolError::Timeout(_) | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
                Err(Error::PoolTimedOut)
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it ends with the pool it follows; nobody needs to wait for it"
)]
fn close_with(pool: &PgPool, statements: WeakPool<Connections>) {
    let closed = pool.close_event();
    tokio::spawn(async move {
        closed.await;
        if let Some(statements) = statements.upgrade() {
            statements.close();
        }
    });
}

/// A connection on loan.
struct Borrowed(Option<Object<Connections>>);

impl Borrowed {
    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.0.as_deref_mut().ok_or(Error::PoolClosed)
    }

    /// Gives it back at once after an answer; after an error it has to show that it is good for more.
    fn answered<T>(mut self, answer: Result<T, Error>) -> Result<T, Error> {
        if answer.is_ok() {
            drop(self.0.take());
        }
        answer
    }
}

impl Drop for Borrowed {
    /// Nobody waits for the answer, or it was an error. The connection is good for more once it says so.
    #[expect(clippy::disallowed_methods, reason = "the task lasts a second at most")]
    fn drop(&mut self) {
        let Some(mut borrowed) = self.0.take() else { return };
        tokio::spawn(async move {
            let Some(pool) = Object::pool(&borrowed) else { return };
            let asked =
                timeout(SETTLED_WITHIN, fitness::is_of_use(&mut borrowed, &pool.manager().probe)).await;
            if !matches!(asked, Ok(Ok(true))) {
                drop(Object::take(borrowed));
            }
        });
    }
}

type Step = Either<PgQueryResult, PgRow>;

impl<'c> Executor<'c> for &'c Statements {
    type Database = Postgres;

    /// The whole answer is there before its first row is handed out: no connection waits for whoever reads it.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let answer = async move {
            let mut borrowed = self.borrow().await?;
            let steps: Result<Vec<_>, _> = borrowed.connection()?.fetch_many(query).try_collect().await;
            borrowed.answered(steps)
        };
        answer.map_ok(|steps| stream::iter(steps).map(Ok)).try_flatten_stream().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let mut borrowed = self.borrow().await?;
            let row = borrowed.connection()?.fetch_optional(query).await;
            borrowed.answered(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        async move {
            let mut borrowed = self.borrow().await?;
            let statement = borrowed.connection()?.prepare_with(sql, parameters).await;
            borrowed.answered(statement)
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        async move {
            let mut borrowed = self.borrow().await?;
            let described = borrowed.connection()?.describe(sql).await;
            borrowed.answered(described)
        }
        .boxed()
    }
}
