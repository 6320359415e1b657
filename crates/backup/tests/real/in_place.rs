//! A backup takes the place of what a tenant has, and gives it back.

use common::id::TenantId;
use n8n::{
    copies::{Copies as _, Facts, PostgresCopies},
    databases::{Beside, DatabaseError, Name, TenantDatabases as _},
};

use crate::tenant::{databases, psql};

/// What a database has: workflows, and executions that are counted as its own.
fn told(database: &str) -> String {
    let asked = "SELECT (SELECT count(*) FROM workflow_entity) || ' ' || (SELECT count(*) FROM rp9.execution WHERE source = rp9.source())";
    psql(database, asked)
}

fn there(name: Name) -> String {
    let asked = format!(
        "SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '') FROM pg_database WHERE datname LIKE '{name}%'"
    );
    psql("postgres", &asked)
}

/// `load` fills what is to take the place, from a backup that was made when there was `then`.
pub async fn changes_places(
    copies: &PostgresCopies,
    tenant: TenantId,
    then: &Facts,
    load: impl AsyncFnOnce(),
) {
    let (name, databases) = (Name::of(tenant), databases());
    let (live, next, former) = (name.to_string(), name.beside(Beside::Next), name.beside(Beside::Former));
    psql(
        &live,
        "DELETE FROM workflow_entity WHERE id IN ('w2', 'w3'); INSERT INTO execution_entity (\"workflowId\", mode, status, finished, \"createdAt\", \"startedAt\") SELECT 'w1', 'webhook', 'success', true, now(), now()",
    );
    let now = told(&live);
    assert_eq!(now, "18 1001");
    let nothing = databases.put_in_place(&name).await;
    assert!(matches!(nothing, Err(DatabaseError::NoDatabase(_))), "there is nothing to put in place");

    load().await;
    assert_eq!((told(&live), there(name)), (now.clone(), format!("{live} {next}")));
    for _ in 0..2 {
        databases.put_in_place(&name).await.unwrap();
        assert_eq!(there(name), format!("{live} {former}"));
        assert_eq!(told(&live), "20 0", "what ran before was counted where it ran");
        assert_eq!(told(&former), now);
    }
    let restored = copies.begin(&name).await.unwrap().facts().clone();
    assert_eq!((&restored.rows, &restored.active), (&then.rows, &then.active));
    assert!(databases.take_back(&name).await.unwrap() && !databases.take_back(&name).await.unwrap());
    assert_eq!((told(&live), there(name)), (now, format!("{live} {next}")));
    databases.put_in_place(&name).await.unwrap();
    databases.remove_beside(&name).await.unwrap();
    assert_eq!((told(&live), there(name)), ("20 0".to_owned(), live));
}

/// What is kept as it was comes back, whatever became of the other meanwhile.
pub async fn is_kept(tenant: TenantId) {
    let (name, databases) = (Name::of(tenant), databases());
    let (live, next, former) = (name.to_string(), name.beside(Beside::Next), name.beside(Beside::Former));
    for _ in 0..2 {
        databases.keep_former(&name).await.unwrap();
        assert_eq!(there(name), format!("{live} {former}"));
        psql(&live, "DELETE FROM workflow_entity");
    }
    assert!(databases.take_back(&name).await.unwrap());
    assert_eq!((told(&live), there(name)), ("20 0".to_owned(), format!("{live} {next}")));
    let opened = format!(
        "SELECT has_database_privilege('{name}', '{live}', 'CONNECT') AND NOT has_database_privilege('public', '{live}', 'CONNECT')"
    );
    assert_eq!(psql("postgres", &opened), "t", "it is the tenant's, and nobody else's");
    databases.remove_beside(&name).await.unwrap();
    assert_eq!(there(name), live);
}

/// What was lost comes back, or is as lost as before. `load` as above.
pub async fn comes_back_when_it_was_lost(tenant: TenantId, load: impl AsyncFn()) {
    let (name, databases) = (Name::of(tenant), databases());
    let (live, next, nothing) = (name.to_string(), name.beside(Beside::Next), name.beside(Beside::Nothing));
    databases.remove_database(&name).await.unwrap();
    load().await;
    for _ in 0..2 {
        databases.put_in_place(&name).await.unwrap();
        assert_eq!((told(&live), there(name)), ("20 0".to_owned(), format!("{live} {nothing}")));
    }
    assert!(databases.take_back(&name).await.unwrap() && !databases.take_back(&name).await.unwrap());
    assert_eq!(there(name), next);
    databases.put_in_place(&name).await.unwrap();
    databases.remove_beside(&name).await.unwrap();
    assert_eq!((told(&live), there(name)), ("20 0".to_owned(), live));
}
