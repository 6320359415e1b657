//! What a tenant has in its database, made and looked at past n8n.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{Answers, Customer, Service, docker, webhook_workflow};

/// Runs statements in a database of the platform's server, as its administrator; what they print.
pub fn sql(database: &str, statement: &str) -> String {
    let psql = ["psql", "-qAt", "-U", "postgres", "-d", database, "-c", statement];
    docker(&[&["exec", Service::of("postgres").name()], &psql[..]].concat()).unwrap()
}

/// In which n8n a tenant is that shares one, and who it is in there: its project and its user.
pub fn place(tenant: &str) -> (String, String, String) {
    let digits = tenant.trim_start_matches("ten_");
    let statement = format!(
        "select shared_instance, shared_project, shared_user from tenants where replace(id::text, '-', '') = '{digits}'"
    );
    let rows = sql("rp9", &statement);
    let mut columns = rows.trim().split('|').map(str::to_owned);
    let instance = format!("ten_{}", columns.next().unwrap().replace('-', ""));
    (instance, columns.next().unwrap(), columns.next().unwrap())
}

/// Each table's rows and what is in them, without what n8n notes of its own starts, of when somebody was last seen, and sums up by itself.
pub fn fingerprint(database: &str) -> BTreeMap<String, String> {
    let tables = sql(
        database,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    let own = [
        "settings",
        "instance_version_history",
        "workflow_publication_trigger_status",
        "user",
        "webhook_entity",
    ];
    let tables = tables.lines().filter(|table| {
        !own.contains(table) && !table.starts_with("instance_") && !table.starts_with("insights_")
    });
    let of = |table: &str| {
        let hash = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM \"{table}\" t"
        );
        (table.to_owned(), sql(database, &hash))
    };
    tables.map(of).collect()
}

/// Those tables that are not what they were, whatever else there is by now.
pub fn differing<'a>(then: &'a BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<&'a str> {
    then.iter().filter(|(table, is)| now.get(*table) != Some(*is)).map(|(table, _)| table.as_str()).collect()
}

/// Gives a tenant with one active workflow 19 others, 15 credentials, a table of its own, and so many executions.
pub async fn fill(tenant: &str, customer: &Customer, executions: u32) {
    for number in 1..20 {
        let workflow = webhook_workflow(&format!("e2e-filled-{number}"), Answers::WhenFinished);
        customer.post("/api/v1/workflows", &workflow).await.unwrap();
    }
    for number in 0..15 {
        let data = json!({ "name": "x-key", "value": format!("secret {number}") });
        let credential = json!({ "name": format!("key {number}"), "type": "httpHeaderAuth", "data": data });
        customer.post("/api/v1/credentials", &credential).await.unwrap();
    }
    sql(tenant, &format!(
        "CREATE TABLE data_table_user_e2e AS SELECT i AS id, md5(i::text) AS said FROM generate_series(1, 1000) i;
         ALTER TABLE data_table_user_e2e OWNER TO \"{tenant}\";
         INSERT INTO execution_entity (finished, mode, status, \"workflowId\", \"createdAt\", \"startedAt\", \"stoppedAt\")
         SELECT true, 'webhook', 'success', (SELECT id FROM workflow_entity WHERE active), now(), now(), now() FROM generate_series(1, {executions});
         INSERT INTO execution_data (\"executionId\", \"workflowData\", data)
         SELECT id, '{{}}', repeat(md5(id::text), 60) FROM execution_entity ON CONFLICT DO NOTHING"));
}
