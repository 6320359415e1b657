//! A shared n8n's database, seeded as the platform does it before the n8n first starts.

use common::id::TenantId;
use n8n::account::{self, ApiKeySigner};
use n8n::databases::{ApiKeyRow, Name, Owner, TenantDatabases as _};
use n8n::launch::Secrets;
use n8n::members::{Main, PostgresMembers};
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;

use crate::support::{RealMigrations, VERSION, ask, databases, postgres, secrets};

pub struct Instance {
    pub tenant: TenantId,
    pub name: Name,
    pub secrets: Secrets,
    pub main: Main,
    pub members: PostgresMembers,
}

impl Instance {
    /// `address` is where its main answers, or will.
    pub async fn new(address: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tenant = TenantId::generate();
        let (name, secrets, server) = (Name::of(tenant), secrets(), databases());
        server.ensure_template(VERSION, &RealMigrations).await.unwrap();
        server.ensure_role(&name, &secrets.database_password, 60).await.unwrap();
        server.ensure_database(&name, &name, VERSION).await.unwrap();
        let owner = Owner {
            email: format!("{tenant}@platform.invalid"),
            first_name: "Platform".into(),
            last_name: "Owner".into(),
            password_hash: account::hash_password(&account::generate_password().unwrap()).unwrap(),
        };
        let id = server.seed_owner(&name, &owner).await.unwrap();
        let signer = ApiKeySigner { secret: &secrets.jwt_secret };
        let key = signer.sign(id, tenant.uuid(), common::clock::now()).unwrap();
        let row = ApiKeyRow { label: "rp9 control plane".into(), token: key.clone() };
        server.seed_api_key(&name, &row).await.unwrap();
        server.ensure_shared_schema(&name).await.unwrap();
        let main = Main { instance: name, address: address.parse().unwrap(), key };
        let members = PostgresMembers::new(server).unwrap();
        Self { tenant, name, secrets, main, members }
    }

    /// As n8n's own login.
    pub fn login(&self) -> PgConnectOptions {
        let name = self.name.to_string();
        let password = self.secrets.database_password.expose_secret();
        postgres().username(&name).password(password).database(&name)
    }

    /// What n8n itself does, such as making tables.
    pub async fn n8n(&self, statement: &str) -> Option<String> {
        ask(&self.login(), statement).await.unwrap()
    }

    /// As whoever owns the platform's schema.
    pub async fn sql(&self, statement: &str) -> Option<String> {
        ask(&postgres().database(&self.name.to_string()), statement).await.unwrap()
    }

    pub async fn end(&self) {
        databases().remove_database(&self.name).await.unwrap();
        databases().remove_role(&self.name).await.unwrap();
    }
}
