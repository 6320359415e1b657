//! What one member has is copied alone, and loaded by whoever has `psql`.

use std::{io::Write as _, path::PathBuf, process::Command, time::Instant};

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use n8n::account;
use n8n::copies::{Copies as _, CopyError, Including, Keys, Moment, PostgresCopies, Sharing, Stream, script};
use n8n::credentials::Credential;
use n8n::databases::{Name, TenantDatabases as _};
use n8n::members::{Member, Members as _};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::contract::member;
use crate::instance::Instance;
use crate::support::{VERSION, ask, databases, postgres, variable};

const NOWHERE: &str = "http://127.0.0.1:1";
const ALL: Including = Including { executions: true, files: true };

/// What `openssl enc -aes-256-cbc -md md5` makes of JSON with the key `n8n-key`.
const SEALED: &str =
    "U2FsdGVkX18BAgMEBQYHCB5epgYUfHe2ytoA4lPA0XDWiCqrGtNQOmuxQgOQJEMaiu8rhlLQmUA+hgBmDfoPGg==";

pub fn copies() -> PostgresCopies {
    let folder = PathBuf::from(variable("TEST_POSTGRES_BIN"));
    PostgresCopies::new(&variable("TEST_TENANT_DATABASE_ADMIN_URL").into(), Some(folder)).unwrap()
}

pub fn keys() -> Keys {
    Keys { from: "n8n-key".into(), to: "the copy's own".into() }
}

async fn begin(instance: &Instance, one: &Member) -> Box<dyn Moment> {
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    copies().begin_member(&instance.name, sharing).await.unwrap()
}

async fn read(mut stream: Stream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

pub fn of(text: &str) -> Stream {
    Box::pin(std::io::Cursor::new(text.as_bytes().to_vec()))
}

/// Everything that a member may have, with texts that look like SQL, like the ends of things, and like nothing that can be read.
pub async fn fill(instance: &Instance, one: &Member) {
    let (user, p) = (one.place.user.0, &one.place.project);
    let hostile = r#"It's "1"; DROP TABLE project; --\n\\.\t{}$1:x :'y' %s"#;
    let statements = format!(
        r#"INSERT INTO folder (id, name, "projectId") VALUES ('f1-{p}', E'{quoted}', '{p}'), ('f2-{p}', 'f', '{p}');
           UPDATE folder SET "parentFolderId" = 'f2-{p}' WHERE id = 'f1-{p}';
           INSERT INTO tag_entity (id, name) VALUES ('t-{p}', 't{short}'), ('g-{p}', 'g{short}'), ('u-{p}', 'u{short}');
           INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId", "parentFolderId", "staticData")
                SELECT 'w' || i || '-{p}', 'w', i = 1, jsonb_build_array(jsonb_build_object('x', E'{quoted}'))::json, '{{}}', gen_random_uuid(), 'f1-{p}',
                       '{{"a": "\u0000 \ud83d\ude00 \\. "}}' FROM generate_series(1, 45) i;
           UPDATE workflow_entity SET nodes = to_json(repeat('x', 3000000)) WHERE id = 'w2-{p}';
           INSERT INTO workflow_history ("versionId", "workflowId", authors, nodes, connections) VALUES ('v-{p}', 'w1-{p}', E'{quoted}', '[]', '{{}}');
           UPDATE workflow_entity SET "activeVersionId" = 'v-{p}' WHERE id = 'w1-{p}';
           INSERT INTO shared_workflow ("workflowId", "projectId", role) SELECT id, '{p}', 'workflow:owner' FROM workflow_entity WHERE id LIKE '%-{p}';
           INSERT INTO workflow_published_version ("workflowId", "publishedVersionId") VALUES ('w1-{p}', 'v-{p}');
           INSERT INTO workflow_publish_history ("workflowId", "versionId", event, "userId")
                SELECT 'w1-{p}', 'v-{p}', 'activated', id FROM "user" WHERE id = '{user}' OR "roleSlug" = 'global:owner';
           INSERT INTO workflows_tags VALUES ('w1-{p}', 't-{p}');
           INSERT INTO folder_tag VALUES ('f1-{p}', 'g-{p}');
           INSERT INTO webhook_entity ("webhookPath", method, node, "workflowId") VALUES ('{p}/x', 'GET', 'n', 'w1-{p}');
           INSERT INTO credentials_entity (id, name, type, data) VALUES ('c1-{p}', E'{quoted}', 't', '{SEALED}'), ('c2-{p}', 'c', 't', 'no	t\\.');
           INSERT INTO shared_credentials ("credentialsId", "projectId", role) SELECT id, '{p}', 'credential:owner' FROM credentials_entity WHERE id LIKE '%-{p}';
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt", "deletedAt")
                SELECT false, 'webhook', 'success', 'w1-{p}', now(), CASE WHEN i = 1 THEN now() END FROM generate_series(1, 30) i;
           INSERT INTO execution_data ("executionId", "workflowData", data) SELECT id, '{{}}', E'{quoted}' FROM execution_entity WHERE "workflowId" = 'w1-{p}';
           INSERT INTO execution_metadata ("executionId", key, value) SELECT max(id), 'k', E'{quoted}' FROM execution_entity WHERE "workflowId" = 'w1-{p}';
           INSERT INTO execution_annotations ("executionId", note, "createdAt", "updatedAt") SELECT max(id), E'{quoted}', now(), now() FROM execution_entity WHERE "workflowId" = 'w1-{p}';
           INSERT INTO binary_data ("fileId", "sourceType", "sourceId", data, "fileSize")
                SELECT gen_random_uuid(), 'execution', max(id)::text, '\x00010a5c2e0a'::bytea, 6 FROM execution_entity WHERE "workflowId" = 'w1-{p}';
           INSERT INTO workflow_statistics (name, "workflowId", count) VALUES ('production_success', 'w1-{p}', 1);
           INSERT INTO insights_metadata ("workflowId", "projectId", "workflowName", "projectName") VALUES ('w1-{p}', '{p}', 'w', 'p');
           INSERT INTO insights_raw ("metaId", type, value) SELECT "metaId", 1, 7 FROM insights_metadata WHERE "projectId" = '{p}';
           INSERT INTO data_table (id, name, "projectId") VALUES ('dt{p}', E'{quoted}', '{p}');
           INSERT INTO data_table_column (id, name, type, index, "dataTableId") VALUES ('dc{p}', 'Größe', 'string', 0, 'dt{p}');
           CREATE TABLE "data_table_user_dt{p}" (id serial PRIMARY KEY, "Größe" text, "n" double precision, "createdAt" timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3));
           ALTER TABLE "data_table_user_dt{p}" OWNER TO "{n8n}";
           INSERT INTO "data_table_user_dt{p}" ("Größe") VALUES (E'{quoted}'), (NULL), ('');
           INSERT INTO variables (id, key, type, value, "projectId") VALUES ('va{p}', 'k', 'string', E'{quoted}', '{p}');
           INSERT INTO user_favorites ("userId", "resourceId", "resourceType") VALUES ('{user}', 'w1-{p}', 'workflow')"#,
        quoted = hostile.replace('\'', "''"),
        short = &p.as_str()[..12],
        n8n = instance.name,
    );
    instance.sql(&statements).await;
}

/// A digest over every row of every table that is not this member's, in any way that the catalogue and the text of a row tell.
pub async fn others(instance: &Instance, one: &Member) -> String {
    let not_theirs = format!("%{}%", one.place.project);
    let digests = format!(
        r#"SELECT string_agg(name || xpath('/row/d/text()', query_to_xml(format(
                 'SELECT md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) AS d FROM public.%I t WHERE t::text NOT LIKE %L AND t::text NOT LIKE %L', name, '{not_theirs}', '%{}%'),
                 false, true, ''))::text, ' ' ORDER BY name)
             FROM (SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE '{not_theirs}') AS tables"#,
        one.place.user.0
    );
    instance.sql(&digests).await.unwrap()
}

/// Another n8n's empty database.
pub async fn fresh() -> Name {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    databases().ensure_role(&name, &password, 9).await.unwrap();
    databases().ensure_database(&name, &name, VERSION).await.unwrap();
    name
}

fn psql(database: &str, text: &str) -> Result<(), String> {
    let url = variable("TEST_TENANT_DATABASE_ADMIN_URL").replace("/postgres", &format!("/{database}"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let psql = format!("{}/psql", variable("TEST_POSTGRES_BIN"));
    let ran = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file"])
        .arg(file.path())
        .arg(&url)
        .output()
        .unwrap();
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn one_is_copied_alone_and_whole_and_loads_into_any_other_n8n() {
    let instance = Instance::new(NOWHERE).await;
    let [one, other] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    for one in [&one, &other] {
        instance.members.ensure(&instance.name, one).await.unwrap();
        fill(&instance, one).await;
    }
    let before = others(&instance, &one).await;
    let moment = begin(&instance, &one).await;
    // What happens from here on is of another moment.
    instance
        .sql(&format!("UPDATE workflow_entity SET name = 'later' WHERE id = 'w3-{}'", one.place.project))
        .await;
    let text = read(moment.dump(ALL).await.unwrap()).await;
    let workflows: Vec<Value> = serde_json::from_str(&read(moment.workflows().await.unwrap()).await).unwrap();
    let credentials = read(moment.credentials().await.unwrap()).await;
    let facts = moment.facts().clone();
    drop(moment);
    assert_eq!(others(&instance, &one).await, before);

    let foreign =
        [other.place.project.to_string(), other.place.user.0.to_string(), "n8n-key".into(), SEALED.into()];
    for foreign in foreign.iter().chain([&email_of(&other)]) {
        assert!(!text.contains(foreign) && !credentials.contains(foreign), "{foreign}");
    }
    assert_eq!(script::rows(of(&text)).await.unwrap(), facts.rows);
    assert_eq!(
        (
            facts.counts.workflows,
            facts.counts.active_workflows,
            facts.counts.credentials,
            facts.counts.executions
        ),
        (45, 1, 2, 29)
    );
    assert_eq!(facts.active, [format!("w1-{}", one.place.project)]);
    assert_eq!((workflows.len(), workflows[0]["tags"].as_array().unwrap().len()), (45, 1));
    let unknown: Vec<_> =
        facts.not_copied.iter().filter(|omitted| omitted.why.contains("this release")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(
        facts.not_copied.iter().any(|omitted| omitted.what == format!("credential c2-{}", one.place.project))
    );
    let exported: Vec<Value> = serde_json::from_str(&credentials).unwrap();
    is_with_the_copys_key(exported[0]["data"].as_str().unwrap());

    loads(&instance, &one, (&text, &facts.rows)).await;
    without_executions(&instance, &one).await;
    what_is_new_is_told(&instance, &one).await;
    instance.end().await;
}

fn email_of(one: &Member) -> String {
    n8n::members::email(one.tenant)
}

fn is_with_the_copys_key(data: &str) {
    let credential = Credential { id: "c".into(), name: "c".into(), data: data.into() };
    let Keys { from: shared, to: own } = keys();
    assert!(credential.opens_with(&own) && !credential.opens_with(&shared), "{data}");
}

/// As the page says, and every row is as it was; twice it is refused, and changes nothing.
async fn loads(
    instance: &Instance,
    one: &Member,
    (text, rows): (&str, &std::collections::BTreeMap<String, u64>),
) {
    let name = fresh().await;
    // Half of it is nothing.
    let half = text.char_indices().nth(text.len() / 2).map_or(0, |(at, _)| at);
    let login = postgres().database(&name.to_string());
    let _ = psql(&name.to_string(), &text[..half]);
    assert_eq!(
        ask(&login, "SELECT count(*)::text FROM workflow_entity").await.unwrap().as_deref(),
        Some("0")
    );
    psql(&name.to_string(), text).unwrap();
    assert!(psql(&name.to_string(), text).is_err());
    for (table, rows) in rows {
        let count = format!("SELECT count(*)::text FROM public.\"{table}\"");
        assert_eq!(ask(&login, &count).await.unwrap(), Some(rows.to_string()), "{table}");
    }
    let project = &one.place.project;
    for same in [
        format!(
            "SELECT md5(string_agg(concat_ws('|', id, nodes, \"staticData\", \"activeVersionId\", \"parentFolderId\", active, CASE WHEN id LIKE 'w3%' THEN '' ELSE name END), E'\\n' ORDER BY id)) FROM workflow_entity WHERE id LIKE '%-{project}'"
        ),
        format!(
            "SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM folder t WHERE id LIKE '%-{project}'"
        ),
        format!("SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM \"data_table_user_dt{project}\" t"),
        format!(
            "SELECT md5(string_agg(d::text, E'\\n' ORDER BY d.\"executionId\")) FROM execution_data d JOIN execution_entity e ON e.id = d.\"executionId\" WHERE e.\"workflowId\" LIKE '%-{project}' AND e.\"deletedAt\" IS NULL"
        ),
        format!(
            "SELECT md5(string_agg(concat(id, name, type, CASE WHEN id LIKE 'c2%' THEN data END), E'\\n' ORDER BY id)) FROM credentials_entity WHERE id LIKE '%-{project}'"
        ),
        "SELECT md5(string_agg(encode(data, 'hex'), '')) FROM (SELECT DISTINCT data FROM binary_data) b"
            .to_owned(),
    ] {
        let (then, now) = (instance.sql(&same).await, ask(&login, &same).await.unwrap());
        assert!(then.is_some() && then == now, "{same}");
    }
    let data = format!("SELECT data FROM credentials_entity WHERE id = 'c1-{project}'");
    is_with_the_copys_key(&ask(&login, &data).await.unwrap().unwrap());
    // Numbers go on behind what was loaded.
    for next in [
        format!(
            "INSERT INTO execution_entity (finished, mode, status, \"workflowId\", \"createdAt\") VALUES (true, 'webhook', 'success', 'w1-{project}', now())"
        ),
        format!("INSERT INTO \"data_table_user_dt{project}\" (\"Größe\") VALUES ('next')"),
    ] {
        ask(&login, &next).await.unwrap();
    }
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
}

async fn without_executions(instance: &Instance, one: &Member) {
    let moment = begin(instance, one).await;
    let text = read(moment.dump(Including { executions: false, files: false }).await.unwrap()).await;
    let rows = script::rows(of(&text)).await.unwrap();
    assert!(
        !rows.contains_key("execution_entity")
            && !rows.contains_key("binary_data")
            && rows["workflow_entity"] == 45
    );
    let name = fresh().await;
    psql(&name.to_string(), &text).unwrap();
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
}

/// Neither a table nor rows that nobody here has thought of are left out silently.
async fn what_is_new_is_told(instance: &Instance, one: &Member) {
    let (user, project) = (one.place.user.0, &one.place.project);
    instance.n8n(&format!("CREATE TABLE novelty (id int, \"projectId\" varchar); INSERT INTO novelty VALUES (1, '{project}')")).await;
    instance.n8n("CREATE TABLE rarity (id int)").await;
    instance.sql(&format!("INSERT INTO chat_hub_tools (id, name, type, \"typeVersion\", \"ownerId\", definition) VALUES (gen_random_uuid(), 'x', 'y', 1, '{user}', '{{}}')")).await;
    instance.sql(&format!("DROP TABLE \"data_table_user_dt{project}\"")).await;
    let moment = begin(instance, one).await;
    let told =
        |what: &str| moment.facts().not_copied.iter().find(|told| told.what == what).unwrap().why.clone();
    assert!(told("novelty").contains("1 rows") && told("chat_hub_tools").contains("1 rows"));
    assert!(
        told("rarity").contains("does not know")
            && told(&format!("data_table_user_dt{project}")).contains("lost")
    );
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn who_is_not_there_has_no_copy_and_what_is_cut_off_fails_at_its_end() {
    let instance = Instance::new(NOWHERE).await;
    let [one, nobody] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(&instance, &one).await;
    let nobodys = Sharing { place: nobody.place.clone(), keys: keys() };
    let refused = copies().begin_member(&instance.name, nobodys).await.err().unwrap();
    assert!(matches!(refused, CopyError::NoMember(_)) && refused.kind() == Kind::NotFound);
    let nowhere = Sharing { place: one.place.clone(), keys: keys() };
    let refused = copies().begin_member(&Name::of(TenantId::generate()), nowhere).await.err().unwrap();
    assert_eq!(refused.kind(), Kind::NotFound);

    let moment = begin(&instance, &one).await;
    let mut dump = moment.dump(ALL).await.unwrap();
    dump.read_exact(&mut [0; 100]).await.unwrap();
    let end = format!(
        "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE datname = '{}'",
        instance.name
    );
    ask(&postgres(), &end).await.unwrap();
    let failed = dump.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(failed.get_ref().unwrap().downcast_ref::<n8n::databases::DatabaseError>().is_some(), "{failed}");
    drop((moment, dump));
    instance.end().await;
}

/// However much one of them has: one connection reads, and whoever writes meanwhile waits for nothing.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn neighbours_work_on_while_one_who_has_thousands_is_copied() {
    let instance = Instance::new(NOWHERE).await;
    let [one, other] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    for one in [&one, &other] {
        instance.members.ensure(&instance.name, one).await.unwrap();
        fill(&instance, one).await;
    }
    let (theirs, p) = (&other.place.project, &one.place.project);
    let many = format!(
        r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
                SELECT 'm' || i || '-{p}', 'm', false, to_json(repeat(md5(i::text), 200)), '{{}}', gen_random_uuid() FROM generate_series(1, 4000) i;
           INSERT INTO shared_workflow ("workflowId", "projectId", role) SELECT id, '{p}', 'workflow:owner' FROM workflow_entity WHERE id LIKE 'm%-{p}';
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt")
                SELECT true, 'webhook', 'success', 'm' || (1 + i % 4000) || '-{p}', now() FROM generate_series(1, 20000) i;
           INSERT INTO execution_data ("executionId", "workflowData", data) SELECT id, '{{}}', repeat(md5(id::text), 50) FROM execution_entity WHERE "workflowId" LIKE 'm%-{p}'"#
    );
    instance.sql(&many).await;
    let begun = Instant::now();
    let moment = begin(&instance, &one).await;
    let held = begun.elapsed();
    let mut dump = moment.dump(ALL).await.unwrap();
    dump.read_exact(&mut [0; 4096]).await.unwrap();
    let copying = format!(
        "SELECT count(*)::text FROM pg_stat_activity WHERE datname = '{}' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
        instance.name
    );
    assert_eq!(ask(&postgres(), &copying).await.unwrap().as_deref(), Some("1"));
    for write in [
        format!("UPDATE workflow_entity SET name = 'n' WHERE id LIKE '%-{theirs}'"),
        format!(
            "INSERT INTO execution_entity (finished, mode, status, \"workflowId\", \"createdAt\") VALUES (true, 'webhook', 'success', 'w1-{theirs}', now())"
        ),
        format!("DELETE FROM execution_entity WHERE \"workflowId\" = 'w1-{theirs}'"),
        format!("UPDATE workflow_entity SET name = 'n' WHERE id = 'm1-{p}'"),
    ] {
        let write = format!("SET statement_timeout = '5s'; {write}");
        ask(&postgres().database(&instance.name.to_string()), &write).await.unwrap();
    }
    let rest = read(dump).await;
    println!("held in {held:?}, {} MB in {:?}", rest.len() >> 20, begun.elapsed());
    assert_eq!(moment.facts().counts.workflows, 4045);
    drop(moment);
    instance.end().await;
}

/// Whoever has a copy has nothing that opens what others have.
#[test]
fn no_key_is_told() {
    let keys: Keys = Keys { from: SecretString::from("hunter2"), to: "hunter3".into() };
    assert!(!format!("{keys:?}").contains("hunter"));
}
