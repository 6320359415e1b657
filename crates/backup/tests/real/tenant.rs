//! A tenant's database with tables like n8n's.

use std::process::Command;

use common::id::TenantId;
use n8n::{
    account,
    databases::{Name, PostgresDatabases, TenantDatabases as _},
};
use secrecy::SecretString;

use crate::n8n_support::{RealMigrations, VERSION};

#[expect(clippy::disallowed_methods, reason = "a test's configuration")]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: eval \"$(deploy/servers env)\""))
}

pub fn databases() -> PostgresDatabases {
    PostgresDatabases::new(&variable("TEST_TENANT_DATABASE_ADMIN_URL")).unwrap()
}

/// Only its role.
pub async fn login(tenant: TenantId) -> SecretString {
    let password = account::generate_key().unwrap();
    databases().ensure_role(&Name::of(tenant), &password, 9).await.unwrap();
    password
}

/// A database as the platform makes it, from the template of the version that the images have; with something in it.
pub async fn fill(tenant: TenantId) {
    let _password = login(tenant).await;
    let (name, version) = (Name::of(tenant), VERSION);
    databases().ensure_template(version, &RealMigrations).await.unwrap();
    databases().ensure_database(&name, &name, version).await.unwrap();
    let statements = r#"
        INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
        SELECT 'w' || i, 'w' || i, i = 1, '[]', '{}', gen_random_uuid() FROM generate_series(1, 20) i;
        INSERT INTO credentials_entity (id, name, data, type) SELECT 'c' || i, 'c' || i, 'U2FsdGVk', 'httpBasicAuth' FROM generate_series(1, 15) i;
        INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt")
        SELECT 'w1', 'webhook', 'success', true, now(), now() FROM generate_series(1, 1000)"#;
    psql(&name.to_string(), statements);
}

/// What the server says.
pub fn psql(database: &str, statements: &str) -> String {
    let url = variable("TEST_TENANT_DATABASE_ADMIN_URL").replace("/postgres", &format!("/{database}"));
    let psql = format!("{}/psql", variable("TEST_POSTGRES_BIN"));
    let ran = Command::new(psql).args(["-v", "ON_ERROR_STOP=1", "-Atqc", statements, &url]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}
