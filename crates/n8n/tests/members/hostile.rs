//! Whoever has the login of an n8n's database owns what is in it, and may put code there that others run. None of it ever runs with more than that
//! database.

use common::error::chain;
use common::id::TenantId;
use n8n::account;
use n8n::copies::{
    Bringing, Copies as _, Filling, Including, Keys, Moves as _, Moving, NewOwner, Onto, PostgresMoves,
    Sharing,
};
use n8n::databases::{ApiKeyRow, Beside, Name, Owner, TenantDatabases as _};
use n8n::executions::{Executions as _, Whose};
use n8n::members::{Member, Members as _};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use tokio::io::AsyncReadExt as _;

use crate::brought::own;
use crate::contract::{expected, limits, member};
use crate::copied::{copies, fill, fresh, keys};
use crate::instance::Instance;
use crate::support::{VERSION, ask, databases, postgres};

const NOWHERE: &str = "http://127.0.0.1:1";
const AWAKE: Filling = Filling { executions: true, asleep: false, beside: false };
const ALL: Including = Including { executions: true, files: true };

/// What code says that runs as whom it should never run as, where it may write nothing.
const CAUGHT: &str = "code of tenants runs as the platform";

/// Somebody else on the server, who has nothing to do with any of this.
struct Bystander {
    name: Name,
    password: SecretString,
}

impl Bystander {
    async fn new() -> Self {
        let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
        databases().ensure_role(&name, &password, 9).await.unwrap();
        databases().ensure_database(&name, &name, VERSION).await.unwrap();
        Self { name, password }
    }

    async fn is_unharmed(&self) {
        let signed_in = ask(&login(&self.name, &self.password), "SELECT 'in'").await;
        assert_eq!(signed_in, Ok(Some("in".to_owned())), "somebody else's password was changed");
    }
}

fn login(name: &Name, password: &SecretString) -> PgConnectOptions {
    let name = name.to_string();
    postgres().username(&name).password(password.expose_secret()).database(&name)
}

/// `evil()` tries to take another's role over, in whatever ways there are, and notes as whom it ran.
fn code(other: &Name) -> String {
    let platform = postgres();
    let platform = platform.get_username();
    format!(
        r#"CREATE TABLE IF NOT EXISTS public.seen (session text, acting text);
        GRANT ALL ON public.seen TO PUBLIC;
        CREATE OR REPLACE FUNCTION public.evil() RETURNS boolean LANGUAGE plpgsql AS $evil$
        DECLARE
            acting text := current_user;
            before text := current_setting('role');
        BEGIN
            BEGIN
                EXECUTE 'ALTER ROLE "{other}" PASSWORD ''x''';
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
            BEGIN
                EXECUTE 'SET LOCAL ROLE NONE';
                EXECUTE 'ALTER ROLE "{other}" PASSWORD ''x''';
                PERFORM set_config('role', before, true);
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
            BEGIN
                INSERT INTO public.seen VALUES (session_user, acting);
            EXCEPTION WHEN OTHERS THEN
                IF '{platform}' IN (session_user, acting) THEN RAISE EXCEPTION '{CAUGHT}'; END IF;
            END;
            RETURN true;
        END $evil$;
        CREATE OR REPLACE FUNCTION public.quiet(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.evil(); RETURN $1; END $$;
        CREATE OR REPLACE FUNCTION public.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.evil(); RETURN coalesce(NEW, OLD); END $$"#
    )
}

/// What n8n and the platform work on as before, while all of it runs `evil()`.
const PLANTED: [&str; 8] = [
    "CREATE FUNCTION public.lower(character varying) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.evil(); RETURN pg_catalog.lower($1::text); END $$",
    r#"DO $$ DECLARE name text; BEGIN
           FOREACH name IN ARRAY ARRAY['user', 'credentials_entity', 'workflow_entity', 'execution_entity', 'user_api_keys', 'settings', 'shared_workflow', 'role', 'webhook_entity'] LOOP
               EXECUTE format('CREATE TRIGGER fired BEFORE INSERT OR UPDATE OR DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION public.fired()', name);
           END LOOP;
       END $$"#,
    "CREATE INDEX expression ON workflow_entity (public.quiet(name::text))",
    "ALTER TABLE credentials_entity ADD CONSTRAINT checked CHECK (public.quiet(name::text) IS NOT NULL)",
    "ALTER TABLE variables ADD COLUMN generated text GENERATED ALWAYS AS (public.quiet(key::text)) STORED",
    r#"ALTER TABLE "user" ALTER COLUMN disabled SET DEFAULT NOT public.evil()"#,
    "ALTER TABLE migrations RENAME TO migrations_before",
    "CREATE VIEW migrations AS SELECT * FROM migrations_before WHERE public.evil()",
];

async fn plant(login: &PgConnectOptions, other: &Name) {
    for statement in std::iter::once(code(other).as_str()).chain(PLANTED) {
        ask(login, statement).await.unwrap_or_else(|code| panic!("{code}: {statement}"));
    }
}

/// What came of it says nothing of somebody being caught, in whatever it says.
fn done<T, E: std::error::Error + 'static>(what: &str, outcome: Result<T, E>) -> T {
    outcome.unwrap_or_else(|error| panic!("{what}: {}", chain(&error)))
}

/// Whoever ran code in here was the tenant, or somebody who may as much.
async fn ran_as_nobody_else(database: &str) {
    let seen = "SELECT string_agg(DISTINCT concat_ws(' as ', session, acting), ', ') FROM public.seen";
    let seen = ask(&postgres().database(database), seen).await.unwrap().unwrap_or_default();
    assert!(seen.contains("ten_"), "nothing ran in {database}: {seen:?}");
    assert!(!seen.contains(postgres().get_username()), "in {database}: {seen}");
}

/// All that is asked of an n8n that is somebody's own.
async fn everything_of_an_own(name: &Name) {
    let server = databases();
    let owner = Owner {
        email: "Ada@Example.com".into(),
        first_name: "Ada".into(),
        last_name: "Owner".into(),
        password_hash: account::hash_password(&"Correct-horse-1".to_owned().into()).unwrap(),
    };
    done("ensure_database", server.ensure_database(name, name, VERSION).await);
    done("schema", server.schema(name).await);
    done("seed_owner", server.seed_owner(name, &owner).await);
    done("owner_login", server.owner_login(name).await);
    done("reset_owner", server.reset_owner(name, &owner.password_hash, true).await);
    let key = ApiKeyRow { label: "rp9".into(), token: "token".to_owned().into() };
    done("seed_api_key", server.seed_api_key(name, &key).await);
    done("final_state", server.final_state(name).await);
    done("credentials", server.credentials(name).await);
    done("unbegun", server.unbegun(name, &[1, 2, 3]).await);
    done("ensure_meter", server.ensure_meter(name).await);
    done("is_seen", server.is_seen(name).await);
    done("activity", server.activity(name, Whose::Everybodys).await);
    done("hours", server.hours(name, None).await);
    done("forget", server.forget(name, common::clock::now()).await);
    let moves = PostgresMoves::new(server);
    done("number_after", moves.number_after(name, 70_000).await);
    done("webhooks", moves.webhooks(name).await);
}

/// All that is copied of it, into another's database and into one beside it.
async fn is_copied(name: &Name, other: &Name) {
    let moment = done("begin", copies().begin(name).await);
    let mut dump = Vec::new();
    done("dump", moment.dump(ALL).await.unwrap().read_to_end(&mut dump).await);
    for mut stream in [moment.workflows().await.unwrap(), moment.credentials().await.unwrap()] {
        done("export", stream.read_to_end(&mut Vec::new()).await);
    }
    drop(moment);
    let whole = || Box::pin(std::io::Cursor::new(dump.clone()));
    let contents = done("contents", copies().contents(whole()).await);
    for (into, filling) in [
        (other, Filling { executions: false, asleep: true, beside: false }),
        (name, Filling { beside: true, ..AWAKE }),
    ] {
        done("load", copies().load(into, whole(), &contents, filling).await);
        ran_as_nobody_else(&filling.database(into)).await;
    }
    let server = databases();
    done("put_in_place", server.put_in_place(name).await);
    done("ensure_meter", server.ensure_meter(name).await);
    ran_as_nobody_else(&name.beside(Beside::Former)).await;
    done("take_back", server.take_back(name).await);
    done("keep_former", server.keep_former(name).await);
}

/// All that is asked of an n8n that tenants share.
async fn everything_of_a_shared(instance: &Instance, one: &Member) {
    let (members, name, project) = (&instance.members, &instance.name, &one.place.project);
    done("ensure_shared_schema", databases().ensure_shared_schema(name).await);
    done("ensure", members.ensure(name, one).await);
    done("check", members.check(name, &[expected(one)]).await);
    done("set_limits", members.set_limits(name, project, limits(2, Some(9))).await);
    for on in [true, false] {
        done("set_suspended", members.set_suspended(name, project, on).await);
        done("set_disabled", members.set_disabled(name, &one.place, on).await);
    }
    done("login", members.login(name, &one.place).await);
    done("reset_password", members.reset_password(name, &one.place, &one.password_hash, true).await);
    done("counts", members.counts(name, project).await);
    done("active_workflows", members.active_workflows(name, project).await);
    done("webhooks", members.webhooks(name, project).await);
    done("running", members.running(name, project).await);
    done("set_aside", members.set_aside(name, project).await);
    done("put_back", members.put_back(name, project, None).await);
    done("left", members.left(name, &one.place).await);
    done("usage", members.usage(name, project).await);
}

fn moving(one: &Member) -> Moving {
    let owner =
        NewOwner { email: "ada@acme.example".into(), first_name: "Ada".into(), last_name: "Owner".into() };
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    Moving { sharing, executions: true, owner, active: vec![], again: false }
}

async fn remove(name: &Name) {
    databases().remove_database(name).await.unwrap();
    databases().remove_role(name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_a_tenant_puts_into_its_own_database_runs_there_with_its_own_rights_whatever_is_done() {
    let bystander = Bystander::new().await;
    let ((name, _), other, password) = (own().await, fresh().await, account::generate_key().unwrap());
    databases().ensure_role(&name, &password, 20).await.unwrap();
    plant(&login(&name, &password), &bystander.name).await;
    everything_of_an_own(&name).await;
    is_copied(&name, &other).await;

    // Into an n8n that others share, and what happens there is nobody's business in here.
    let instance = Instance::new(NOWHERE).await;
    let one = member(&instance.secrets.jwt_secret);
    instance.members.ensure(&instance.name, &one).await.unwrap();
    let Keys { from, to } = keys();
    let bringing =
        |onto| Bringing { place: one.place.clone(), keys: Keys { from: to.clone(), to: from.clone() }, onto };
    let moves = PostgresMoves::new(databases());
    done("bring", moves.bring((&name, None), &instance.name, &bringing(Onto::Nothing)).await);
    let again = bringing(Onto::WhatTheyHave { executions: true });
    done("bring", moves.bring((&name, Some(Beside::Former)), &instance.name, &again).await);
    done("changes", moves.changes(&instance.name, &one.place, &name).await);

    ran_as_nobody_else(&name.to_string()).await;
    bystander.is_unharmed().await;
    remove(&name).await;
    remove(&other).await;
    remove(&bystander.name).await;
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn nor_does_it_in_the_database_of_an_n8n_that_tenants_share() {
    let bystander = Bystander::new().await;
    let instance = Instance::new(NOWHERE).await;
    let one = member(&instance.secrets.jwt_secret);
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(&instance, &one).await;
    plant(&instance.login(), &bystander.name).await;
    everything_of_an_own(&instance.name).await;
    everything_of_a_shared(&instance, &one).await;

    let (moves, name) = (PostgresMoves::new(databases()), fresh().await);
    let moving = moving(&one);
    done("fill", moves.fill(&instance.name, &name, &moving).await);
    done("fill", moves.fill(&instance.name, &name, &Moving { again: true, ..moving.clone() }).await);
    done("keep", moves.keep(&instance.name, (&name, VERSION), &moving.sharing).await);
    let moment = done("begin_member", copies().begin_member(&instance.name, moving.sharing).await);
    done("load_member", copies().load_member(&name, moment.dump(ALL).await.unwrap(), VERSION, AWAKE).await);
    drop(moment);

    ran_as_nobody_else(&instance.name.to_string()).await;
    bystander.is_unharmed().await;
    remove(&name).await;
    remove(&bystander.name).await;
    instance.end().await;
}

/// A row of a table whose columns are of types of the tenant's own, beside a view that stands where a table was: both run code in whoever reads them.
const TRAPS: [&str; 6] = [
    "CREATE TYPE public.trap AS (word text)",
    "CREATE FUNCTION public.sprung(public.trap) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.evil(); RETURN $1.word; END $$",
    "CREATE CAST (public.trap AS text) WITH FUNCTION public.sprung(public.trap) AS IMPLICIT",
    "ALTER TABLE execution_entity ALTER COLUMN mode TYPE public.trap USING row(mode)::public.trap",
    "ALTER TABLE shared_workflow RENAME TO shared_workflow_before",
    "CREATE VIEW shared_workflow AS SELECT * FROM shared_workflow_before WHERE public.evil()",
];

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_is_counted_is_counted_without_running_what_a_tenant_made_of_its_tables() {
    let bystander = Bystander::new().await;
    let (name, password) = (fresh().await, account::generate_key().unwrap());
    databases().ensure_role(&name, &password, 20).await.unwrap();
    databases().ensure_meter(&name).await.unwrap();
    let own = login(&name, &password);
    for statement in std::iter::once(code(&bystander.name).as_str()).chain(TRAPS) {
        ask(&own, statement).await.unwrap_or_else(|code| panic!("{code}: {statement}"));
    }
    for statement in [
        r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId") VALUES ('w', 'w', false, '[]', '{}', gen_random_uuid())"#,
        r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt") VALUES ('w', row('webhook')::public.trap, 'new', false, now())"#,
        r#"UPDATE execution_entity SET status = 'running', "startedAt" = now()"#,
        "DELETE FROM execution_entity",
    ] {
        ask(&own, statement).await.unwrap_or_else(|code| panic!("{code}: {statement}"));
    }
    ran_as_nobody_else(&name.to_string()).await;
    bystander.is_unharmed().await;
    let counted = databases().hours(&name, None).await.unwrap().hours;
    assert_eq!(counted.iter().map(|hour| hour.executions).sum::<u64>(), 1, "{counted:?}");
    remove(&name).await;
    remove(&bystander.name).await;
}
