//! An n8n that somebody else runs: recognised, refused with its reason, and left as it was.

use std::sync::Arc;

use common::{
    config::Env,
    database::MIGRATOR,
    error::{Classify as _, Kind},
    id::TenantId,
    operations::{End, Request as _},
};
use n8n::{
    Version, account,
    databases::{Name, Owner},
    fake::FakeMain,
};
use provisioner::{
    CreateTenant, DeleteTenant, ExternalN8n, HealTenant, OptionalExternal, ResumeTenant, SuspendTenant,
    questions,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::PgPool;
use wire::{
    AskInitialLogin,
    kinds::{TenantDelete, TenantHeal, TenantRestart, TenantResume, TenantSuspend},
};

use crate::support::Fakes;

const ADDRESS: &str = "https://n8n.example.com/";
const DATABASE: &str = "postgres://n8n@db/n8n";
const KEY: &str = "an owner's";

const SETTINGS: [(&str, &str); 4] = [
    ("SHARED_N8N_BASE_URL", "https://n8n.example.com"),
    ("SHARED_N8N_API_KEY", KEY),
    ("SHARED_N8N_DATABASE_URL", DATABASE),
    ("SHARED_N8N_ENCRYPTION_KEY", "a1b2c3"),
];

/// It, a provisioner that looks at it, and the record.
pub struct Theirs {
    pub fakes: Fakes,
    pub instance: TenantId,
    looks: ExternalN8n,
}

impl Theirs {
    /// With all that the platform can be told, and nothing in the way.
    pub async fn new(pool: &PgPool) -> Self {
        Self::told(pool, &SETTINGS).await
    }

    async fn told(pool: &PgPool, settings: &[(&'static str, &'static str)]) -> Self {
        let fakes = Fakes::new(pool);
        put_database(&fakes, DATABASE);
        let secret = account::jwt_secret_of(&"a1b2c3".to_owned().into());
        put_main(&fakes, DATABASE, secret.expose_secret(), true);
        tell(&fakes, settings);
        let looks = ExternalN8n::new(pool.clone(), Arc::new(fakes.world("looking")));
        let mut theirs = Self { fakes, looks, instance: TenantId::generate() };
        theirs.look().await;
        let find = sqlx::query_scalar("select tenant_id from external_n8ns").fetch_one(pool);
        theirs.instance = find.await.unwrap();
        theirs
    }

    /// One look; the codes of what is in the way afterwards.
    async fn look(&mut self) -> Vec<String> {
        self.looks.look().await.unwrap();
        self.obstacles().await
    }

    async fn obstacles(&self) -> Vec<String> {
        let told = sqlx::query_scalar("select external_obstacles(tenant_id::text) from external_n8ns");
        let told: Value = told.fetch_one(&self.fakes.pool).await.unwrap();
        let code = |obstacle: &Value| obstacle["code"].as_str().unwrap().to_owned();
        told.as_array().unwrap().iter().map(code).collect()
    }

    /// Whether somebody would be placed there.
    async fn takes(&self) -> bool {
        let place = "select exists (select from place_in_shared(null, '{}'))";
        sqlx::query_scalar(place).fetch_one(&self.fakes.pool).await.unwrap()
    }

    async fn tenant(&self) -> TenantId {
        let tenant = self.fakes.accept_in(self.instance).await;
        assert_eq!(self.fakes.run(&CreateTenant).await, End::Succeeded);
        tenant
    }

    /// Whether the record accepts this for a tenant.
    async fn may(&self, tenant: TenantId, kind: &str) -> bool {
        let may = "select exists (select from tenant_that_may($1, $2, '{active, suspended}', false))";
        sqlx::query_scalar(may).bind(tenant).bind(kind).fetch_one(&self.fakes.pool).await.unwrap()
    }

    async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.fakes.pool).await.unwrap();
    }

    /// How its owner gets in, asked of a provisioner.
    async fn login(&self, tenant: TenantId) -> Result<String, Kind> {
        let question = AskInitialLogin { tenant, cluster: None };
        let told = questions::initial_login(&self.fakes.pool, &self.fakes.world("asked"), question).await;
        told.map(|login| login.email).map_err(|error| error.kind())
    }
}

fn put_database(fakes: &Fakes, url: &str) {
    let owner = Owner {
        email: "ada@example.com".into(),
        first_name: "Ada".into(),
        last_name: "Lovelace".into(),
        password_hash: "hash".into(),
    };
    fakes.databases.put_elsewhere(url, Version::new(2, 41, 1), owner, KEY);
}

fn put_main(fakes: &Fakes, database: &str, jwt_secret: &str, hooks: bool) {
    let main = FakeMain { database: database.into(), jwt_secret: jwt_secret.into(), hooks };
    fakes.members.put_main(ADDRESS, main);
}

fn tell(fakes: &Fakes, settings: &[(&'static str, &'static str)]) {
    let OptionalExternal(settings) = Env::of(settings.iter().copied()).load().unwrap();
    fakes.external.put(settings);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tenants_live_in_it_as_in_one_of_the_platforms_own(pool: PgPool) {
    let mut theirs = Theirs::new(&pool).await;
    assert_eq!(theirs.obstacles().await, [""; 0]);
    assert!(theirs.takes().await);
    let told = "select t.status, t.n8n_version, r.targets -> 0 ->> 'url' from tenants t join routes r on r.tenant_id = t.id";
    let told: (String, String, String) = sqlx::query_as(told).fetch_one(&pool).await.unwrap();
    assert_eq!(told, ("active".into(), "2.41.1".into(), ADDRESS.into()));

    let tenant = theirs.tenant().await;
    assert!(theirs.login(tenant).await.is_ok());
    for (kind, steps) in [("suspended", 0), ("active", 1), ("active", 2)] {
        let end = match steps {
            0 => {
                theirs.fakes.operate(tenant, &TenantSuspend {}).await;
                theirs.fakes.run(&SuspendTenant).await
            }
            1 => {
                theirs.fakes.operate(tenant, &TenantResume {}).await;
                theirs.fakes.run(&ResumeTenant).await
            }
            _ => {
                theirs.fakes.operate(tenant, &TenantHeal::default()).await;
                theirs.fakes.run(&HealTenant).await
            }
        };
        assert_eq!((end, theirs.fakes.status(tenant).await.as_str()), (End::Succeeded, kind));
    }
    assert_eq!(theirs.fakes.members.members(&Name::of(theirs.instance)).len(), 1);
    theirs.fakes.operate(tenant, &TenantDelete { final_backup: false }).await;
    assert_eq!(theirs.fakes.run(&DeleteTenant).await, End::Succeeded);
    assert!(theirs.fakes.members.members(&Name::of(theirs.instance)).is_empty());
    // A look that finds nothing new changes nothing that is told.
    let events = "select count(*) from event_outbox";
    let before: i64 = sqlx::query_scalar(events).fetch_one(&pool).await.unwrap();
    theirs.look().await;
    assert_eq!(before, sqlx::query_scalar::<_, i64>(events).fetch_one(&pool).await.unwrap());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_its_settings_lack_is_listed_and_nobody_is_placed(pool: PgPool) {
    for (lacks, codes) in [
        (2..4, vec!["no_database", "no_encryption_key"]),
        (2..3, vec!["no_database"]),
        (3..4, vec!["no_encryption_key"]),
    ] {
        let settings: Vec<_> = SETTINGS
            .into_iter()
            .enumerate()
            .filter(|(n, _)| !lacks.contains(n))
            .map(|(_, pair)| pair)
            .collect();
        let mut theirs = Theirs::told(&pool, &settings).await;
        assert_eq!(theirs.obstacles().await, codes);
        assert!(!theirs.takes().await);
        let put_right = |theirs: &Theirs| tell(&theirs.fakes, &SETTINGS);
        put_right(&theirs);
        assert_eq!(theirs.look().await, [""; 0], "with all of them it is as any other");
        assert!(theirs.takes().await);
        // Its key is tried all the same.
        tell(&theirs.fakes, &[settings[0], ("SHARED_N8N_API_KEY", "another")]);
        assert_eq!(theirs.look().await, ["no_database", "no_encryption_key", "key_refused"]);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whatever_is_wrong_with_it_has_its_word_and_nothing_is_done_in_it_until_it_is_right(pool: PgPool) {
    let mut theirs = Theirs::new(&pool).await;
    let tenant = theirs.tenant().await;
    let secret = account::jwt_secret_of(&"a1b2c3".to_owned().into());
    let secret = secret.expose_secret().to_owned();
    type Change<'a> = &'a dyn Fn(&Fakes, bool);
    let cases: [(&str, bool, Change<'_>); 7] = [
        ("away", true, &|fakes, wrong| fakes.members.set_main_away(wrong)),
        ("key_refused", false, &|fakes, wrong| {
            let key = if wrong { "another" } else { KEY };
            fakes
                .databases
                .change_elsewhere(DATABASE, |it| drop(it.api_keys.insert("somebody's".into(), key.into())));
        }),
        ("version_unknown", false, &|fakes, wrong| {
            fakes.databases.change_elsewhere(DATABASE, |it| it.understood = !wrong)
        }),
        ("another_secret", false, &|fakes, wrong| {
            put_main(fakes, DATABASE, if wrong { "another" } else { &secret }, true)
        }),
        ("no_hooks", false, &|fakes, wrong| put_main(fakes, DATABASE, &secret, !wrong)),
        ("another_database", false, &|fakes, wrong| {
            put_database(fakes, "postgres://n8n@db/another");
            put_main(fakes, if wrong { "postgres://n8n@db/another" } else { DATABASE }, &secret, true);
        }),
        ("database_away", true, &|fakes, wrong| {
            let database = if wrong { "postgres://n8n@db/gone" } else { DATABASE };
            let settings = [SETTINGS[0], SETTINGS[1], ("SHARED_N8N_DATABASE_URL", database), SETTINGS[3]];
            tell(fakes, &settings);
        }),
    ];
    for (code, passes, change) in cases {
        change(&theirs.fakes, true);
        assert_eq!(theirs.look().await, [code]);
        assert!(!theirs.takes().await, "{code}");
        assert_eq!(theirs.login(tenant).await, Err(Kind::Unavailable), "{code}");
        for kind in [TenantSuspend::KIND, TenantDelete::KIND, TenantHeal::KIND] {
            assert_eq!(theirs.may(tenant, kind.name).await, passes, "{code}: {}", kind.name);
        }
        change(&theirs.fakes, false);
        assert_eq!(theirs.look().await, [""; 0], "after {code}");
        assert!(theirs.takes().await && theirs.login(tenant).await.is_ok(), "after {code}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn other_settings_have_to_be_looked_at_before_anything_is_done(pool: PgPool) {
    let theirs = Theirs::new(&pool).await;
    let tenant = theirs.tenant().await;
    tell(&theirs.fakes, &SETTINGS);
    assert!(theirs.login(tenant).await.is_ok(), "they are the same");
    tell(&theirs.fakes, &[SETTINGS[0], ("SHARED_N8N_API_KEY", "another"), SETTINGS[2], SETTINGS[3]]);
    assert_eq!(theirs.login(tenant).await, Err(Kind::Unavailable));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_n8n_takes_the_place_of_one_only_while_nobody_lives_there(pool: PgPool) {
    let mut theirs = Theirs::new(&pool).await;
    // With another owner.
    put_database(&theirs.fakes, DATABASE);
    assert_eq!(theirs.look().await, [""; 0]);
    let tenant = theirs.tenant().await;
    put_database(&theirs.fakes, DATABASE);
    assert_eq!(theirs.look().await, ["another_n8n"]);
    assert_eq!(theirs.login(tenant).await, Err(Kind::Unavailable));
    // What `docs/sharing.md` tells for one that is lost for good.
    theirs.execute("update external_n8ns set owner = null").await;
    assert_eq!(theirs.look().await, [""; 0]);
    assert!(theirs.login(tenant).await.is_ok());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_is_not_configured_any_more_keeps_its_tenants_and_is_forgotten_without_them(pool: PgPool) {
    let mut theirs = Theirs::new(&pool).await;
    let tenant = theirs.tenant().await;
    tell(&theirs.fakes, &[]);
    theirs.looks.look().await.unwrap();
    assert_eq!(theirs.login(tenant).await, Err(Kind::Unavailable));
    // Nobody has looked for a while, and somebody is there who could.
    theirs.execute("update external_n8ns set looked_at = now() - interval '2 minutes'").await;
    theirs.execute("update clusters set heartbeat_at = now() - interval '2 minutes'").await;
    assert_eq!(theirs.obstacles().await, ["unattended"]);
    assert!(theirs.may(tenant, TenantSuspend::KIND.name).await, "it waits for a provisioner");
    theirs.execute("update clusters set heartbeat_at = now()").await;
    assert_eq!(theirs.obstacles().await, ["not_configured"]);
    assert!(!theirs.takes().await && !theirs.may(tenant, TenantDelete::KIND.name).await);
    assert!(!theirs.may(theirs.instance, TenantDelete::KIND.name).await, "somebody lives there");

    tell(&theirs.fakes, &SETTINGS);
    assert_eq!(theirs.look().await, [""; 0]);
    for kind in [TenantDelete::KIND, TenantRestart::KIND, TenantHeal::KIND, TenantSuspend::KIND] {
        assert!(!theirs.may(theirs.instance, kind.name).await, "{}", kind.name);
    }
    theirs.fakes.operate(tenant, &TenantDelete { final_backup: false }).await;
    assert_eq!(theirs.fakes.run(&DeleteTenant).await, End::Succeeded);
    tell(&theirs.fakes, &[]);
    theirs.execute("update external_n8ns set looked_at = now() - interval '2 minutes'").await;
    assert!(theirs.may(theirs.instance, TenantDelete::KIND.name).await);
    theirs.fakes.operate(theirs.instance, &TenantDelete { final_backup: false }).await;
    assert_eq!(theirs.fakes.run(&DeleteTenant).await, End::Succeeded);
    assert_eq!(theirs.fakes.status(theirs.instance).await, "deleted");
    assert!(
        theirs.fakes.databases.database(&Name::of(theirs.instance)).is_some(),
        "it is not the platform's"
    );

    let former = theirs.instance;
    tell(&theirs.fakes, &SETTINGS);
    assert_eq!(theirs.look().await, [""; 0]);
    let now: TenantId =
        sqlx::query_scalar("select tenant_id from external_n8ns").fetch_one(&pool).await.unwrap();
    assert_ne!(now, former);
    assert!(theirs.takes().await);
}
