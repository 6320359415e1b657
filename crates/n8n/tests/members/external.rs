//! The real n8n as one that somebody else runs: by its own login and below another name.

use common::id::TenantId;
use n8n::databases::{Name, PostgresDatabases, TenantDatabases as _};
use n8n::members::{Main, Members as _, PostgresMembers, Unfit};
use secrecy::{ExposeSecret as _, SecretString};

use crate::contract::{expected, member};
use crate::instance::Instance;
use crate::support::{databases, postgres};

/// Another than the owner, who has a workflow.
const SOMEBODY: &str = r#"
    INSERT INTO "user" (id, "roleSlug", settings) VALUES ('00000000-0000-4000-8000-0000000000ff', 'global:member', '{}');
    INSERT INTO project (id, name, type, "creatorId") VALUES ('anothersProject1', 'Theirs', 'personal', '00000000-0000-4000-8000-0000000000ff');
    INSERT INTO project_relation ("projectId", "userId", role)
    VALUES ('anothersProject1', '00000000-0000-4000-8000-0000000000ff', 'project:personalOwner');
    INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
    VALUES ('anothersWorkflow', 'Theirs', false, '[]', '{}', gen_random_uuid()::text);
    INSERT INTO shared_workflow ("workflowId", "projectId", role) VALUES ('anothersWorkflow', 'anothersProject1', 'workflow:owner')"#;

/// They leave.
const NOBODY: &str = r#"
    DELETE FROM workflow_entity WHERE id = 'anothersWorkflow';
    DELETE FROM "user" WHERE id = '00000000-0000-4000-8000-0000000000ff';
    DELETE FROM project WHERE id = 'anothersProject1'"#;

/// What the platform is told of this instance's database.
fn url(instance: &Instance) -> SecretString {
    let (server, name) = (postgres(), instance.name);
    let password = instance.secrets.database_password.expose_secret();
    format!("postgres://{name}:{password}@{}:{}/{name}", server.get_host(), server.get_port()).into()
}

struct Theirs {
    server: PostgresDatabases,
    members: PostgresMembers,
    main: Main,
    jwt_secret: SecretString,
}

impl Theirs {
    fn of(instance: &Instance) -> Self {
        let server = databases();
        let main = Main { instance: Name::of(TenantId::generate()), ..instance.main.clone() };
        server.lead(&main.instance, &url(instance)).unwrap();
        let members = PostgresMembers::new(server.clone()).unwrap();
        Self { server, members, main, jwt_secret: instance.secrets.jwt_secret.clone() }
    }

    /// The word for what is in the way, if anything is.
    async fn unfit(&self, main: &Main, jwt_secret: &SecretString) -> Option<&'static str> {
        self.members.recognise(main, jwt_secret).await.err().map(|unfit| unfit.code())
    }
}

/// Of an instance whose n8n runs.
pub async fn it_is_recognised_by_what_is_its_own_and_by_nothing_else(instance: &Instance) {
    let theirs = Theirs::of(instance);
    let Theirs { members, main, jwt_secret, .. } = &theirs;
    let recognised = members.recognise(main, jwt_secret).await.unwrap();
    assert_eq!(recognised.since, crate::support::VERSION);
    let owner = instance.sql(r#"SELECT id::text FROM "user" WHERE "roleSlug" = 'global:owner'"#).await;
    assert_eq!(Some(recognised.owner.0.to_string()), owner);
    let probes = "SELECT count(*)::text FROM user_api_keys WHERE label LIKE 'rp9 probe%'";
    assert_eq!(instance.sql(probes).await.as_deref(), Some("0"), "no key is left");

    let stranger = Main { key: "another".to_owned().into(), ..main.clone() };
    assert_eq!(theirs.unfit(&stranger, jwt_secret).await, Some("key_refused"));
    let away = Main { address: "http://127.0.0.1:9".parse().unwrap(), ..main.clone() };
    assert_eq!(theirs.unfit(&away, jwt_secret).await, Some("away"));
    let no_n8n = Main { address: main.address.join("/rest/").unwrap(), ..main.clone() };
    assert_eq!(theirs.unfit(&no_n8n, jwt_secret).await, Some("not_n8n"));
    assert_eq!(theirs.unfit(main, &"another".to_owned().into()).await, Some("another_secret"));
    what_the_key_may_counts(instance, &theirs).await;
    the_database_of_another_is_told(instance, &theirs).await;
    what_is_made_in_it_is_n8ns_own(instance, &theirs).await;
}

async fn what_the_key_may_counts(instance: &Instance, theirs: &Theirs) {
    let scopes = |scopes: &str| {
        format!("UPDATE user_api_keys SET scopes = {scopes} WHERE label = 'rp9 control plane'")
    };
    let all = instance
        .sql("SELECT scopes::text FROM user_api_keys WHERE label = 'rp9 control plane'")
        .await
        .unwrap();
    for few in [r#"'["user:list"]'"#, r#"'["workflow:activate"]'"#] {
        instance.sql(&scopes(few)).await;
        assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, Some("key_too_weak"), "{few}");
    }
    instance.sql(&scopes(&format!("'{all}'"))).await;
    assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, None);
}

/// Also of one that was copied from this one.
async fn the_database_of_another_is_told(instance: &Instance, theirs: &Theirs) {
    let another = Instance::new("http://127.0.0.1:9").await;
    theirs.server.lead(&theirs.main.instance, &url(&another)).unwrap();
    assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, Some("another_database"));
    let key = theirs.main.key.expose_secret();
    another.sql(&format!(r#"UPDATE user_api_keys SET "apiKey" = '{key}'"#)).await;
    assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, Some("another_database"), "a copy");
    another
        .sql("INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Later9999999999999')")
        .await;
    let unfit = theirs.members.recognise(&theirs.main, &theirs.jwt_secret).await.unwrap_err();
    assert!(
        matches!(&unfit, Unfit::VersionUnknown(found) if found.contains("Later9999999999999")),
        "{unfit}"
    );
    another.sql(&format!("ALTER ROLE {} NOLOGIN", another.name)).await;
    assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, Some("database_refused"));
    another.end().await;
    assert_eq!(
        theirs.unfit(&theirs.main, &theirs.jwt_secret).await,
        Some("database_refused"),
        "it is no NoDatabase"
    );
    theirs.server.lead(&theirs.main.instance, &url(instance)).unwrap();
    assert_eq!(theirs.unfit(&theirs.main, &theirs.jwt_secret).await, None);
}

/// As of one that nobody has shared yet.
async fn what_is_made_in_it_is_n8ns_own(instance: &Instance, theirs: &Theirs) {
    let Theirs { members, main, jwt_secret, server } = theirs;
    instance.sql("DROP SCHEMA rp9 CASCADE").await;
    let nothing_is_made = async || {
        let made = instance.sql("SELECT coalesce(to_regnamespace('rp9')::text, 'nothing')").await;
        assert_eq!(made.as_deref(), Some("nothing"));
    };
    instance.sql(SOMEBODY).await;
    assert_eq!(theirs.unfit(main, jwt_secret).await, Some("not_alone"));
    nothing_is_made().await;
    instance.sql(NOBODY).await;

    let unfit = members.recognise(main, jwt_secret).await.unwrap_err();
    assert_eq!(unfit.code(), "login_too_weak", "{unfit}");
    assert!(unfit.to_string().contains("GRANT CREATE ON DATABASE"), "{unfit}");
    nothing_is_made().await;
    instance.sql(&format!("GRANT CREATE ON DATABASE {0} TO {0}", instance.name)).await;
    members.recognise(main, jwt_secret).await.unwrap();
    let owner = instance.sql("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'rp9'").await;
    assert_eq!(owner, Some(instance.name.to_string()));

    let one = member(jwt_secret);
    members.ensure(&main.instance, &one).await.unwrap();
    let checked = members.check(&main.instance, &[expected(&one)]).await.unwrap();
    assert!(!checked.common_differs && checked.flawed.is_some_and(|flawed| flawed.is_empty()));
    members.remove(main, &one.place).await.unwrap();
    assert_eq!(members.left(&main.instance, &one.place).await.unwrap(), []);
    // Whoever removes a tenant's database does not get as far as this one.
    server.remove_database(&main.instance).await.unwrap();
    server.remove_role(&main.instance).await.unwrap();
    members.recognise(main, jwt_secret).await.unwrap();
}
