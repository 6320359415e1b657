//! Databases of which only is known how many rows each table has.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use common::clock;
use tokio::io::AsyncReadExt as _;

use crate::{
    Version,
    copies::{
        Contents, Copies, CopyError, Facts, Filling, Including, Moment, Omitted, Sharing, Stream,
        script::rows,
    },
    databases::{Beside, Counts, DatabaseError, Name},
    members::ProjectId,
};

/// What a dump begins with.
const MAGIC: &str = "fake dump\n";

/// Cheap to clone; clones are the same server.
#[derive(Clone, Default)]
pub struct FakeCopies(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    databases: BTreeMap<String, BTreeMap<String, u64>>,
    failing: u32,
    losing: u32,
    server: Option<&'static str>,
}

impl FakeCopies {
    /// Puts so many workflows into this database.
    pub fn put(&self, name: Name, workflows: u64) {
        self.state()
            .databases
            .insert(name.to_string(), BTreeMap::from([("workflow_entity".to_owned(), workflows)]));
    }

    /// The server is of this version from now on.
    pub fn update_server(&self, version: &'static str) {
        self.state().server = Some(version);
    }

    /// The same of one of those who share the n8n of this database.
    pub fn put_member(&self, instance: Name, project: &ProjectId, workflows: u64) {
        let rows = BTreeMap::from([("workflow_entity".to_owned(), workflows)]);
        self.state().databases.insert(member(&instance, project), rows);
    }

    /// Nothing is left of that one.
    pub fn lose_member(&self, instance: Name, project: &ProjectId) {
        self.state().databases.remove(&member(&instance, project));
    }

    /// The next copies of members lack a row of each table, and say nothing of it.
    pub fn lose_rows_of_members(&self, number: u32) {
        self.state().losing = number;
    }

    /// Rows of each table of this database.
    pub fn rows(&self, name: Name) -> Option<BTreeMap<String, u64>> {
        self.state().databases.get(&name.to_string()).cloned()
    }

    /// The same of the one that is filled beside it.
    pub fn rows_beside(&self, name: Name) -> Option<BTreeMap<String, u64>> {
        self.state().databases.get(&name.beside(Beside::Next)).cloned()
    }

    /// The next dumps end in their middle.
    pub fn fail_dumps(&self, number: u32) {
        self.state().failing = number;
    }

    fn loses(&self) -> u64 {
        let losing = &mut self.state().losing;
        let loses = u64::from(*losing > 0);
        *losing = losing.saturating_sub(1);
        loses
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn facts(rows: BTreeMap<String, u64>) -> Facts {
    let workflows = rows.get("workflow_entity").copied().unwrap_or_default();
    let counts = Counts { workflows, ..Counts::default() };
    Facts {
        at: clock::now(),
        server: "17.10".into(),
        collation: None,
        rows,
        counts,
        active: Vec::new(),
        not_copied: Vec::new(),
    }
}

fn stream(text: String) -> Stream {
    Box::pin(Cursor::new(text.into_bytes()))
}

/// What one of those has who share an n8n is kept beside the databases.
fn member(instance: &Name, project: &ProjectId) -> String {
    format!("{instance}/{project}")
}

fn script<'a>(rows: impl Iterator<Item = (&'a String, u64)>) -> String {
    let tables = rows.map(|(table, rows)| {
        let rows: String = (0..rows).map(|row| format!("{row}\n")).collect();
        format!("COPY public.\"{table}\" (\"id\") FROM stdin;\n{rows}\\.\n")
    });
    format!("BEGIN;\n{}COMMIT;\n", tables.collect::<String>())
}

async fn read(mut dump: Stream) -> Result<BTreeMap<String, u64>, CopyError> {
    let mut text = String::new();
    dump.read_to_string(&mut text).await.map_err(CopyError::Source)?;
    let rows = text.strip_prefix(MAGIC).and_then(|rows| serde_json::from_str(rows).ok());
    rows.ok_or_else(|| CopyError::NotWhole("it is no dump".into()))
}

#[async_trait]
impl Copies for FakeCopies {
    async fn versions(&self) -> Result<(String, String), CopyError> {
        Ok(("17.10".into(), self.state().server.unwrap_or("17.10").into()))
    }

    async fn begin(&self, name: &Name) -> Result<Box<dyn Moment>, CopyError> {
        let rows = self.rows(*name).ok_or(DatabaseError::NoDatabase(*name))?;
        Ok(Box::new(Held { copies: self.clone(), facts: facts(rows), of_member: false }))
    }

    async fn begin_member(&self, instance: &Name, sharing: Sharing) -> Result<Box<dyn Moment>, CopyError> {
        let member = member(instance, &sharing.place.project);
        let none = || CopyError::NoMember(sharing.place.project.clone());
        let rows = self.state().databases.get(&member).cloned().ok_or_else(none)?;
        let facts = Facts { not_copied: vec![Omitted::new("instance", "it is everybody's")], ..facts(rows) };
        Ok(Box::new(Held { copies: self.clone(), facts, of_member: true }))
    }

    async fn contents(&self, dump: Stream) -> Result<Contents, CopyError> {
        let tables = read(dump).await?;
        let list = tables.keys().map(|table| format!("1; 0 1 TABLE DATA public {table} ten\n"));
        Ok(Contents::new(list.collect()))
    }

    async fn load(
        &self,
        name: &Name,
        dump: Stream,
        _: &Contents,
        filling: Filling,
    ) -> Result<Facts, CopyError> {
        let rows = read(dump).await?;
        self.state().databases.insert(filling.database(name), rows.clone());
        Ok(facts(rows))
    }

    async fn load_member(
        &self,
        name: &Name,
        script: Stream,
        _: Version,
        filling: Filling,
    ) -> Result<Facts, CopyError> {
        let rows = rows(script).await?;
        self.state().databases.insert(filling.database(name), rows.clone());
        Ok(facts(rows))
    }
}

struct Held {
    copies: FakeCopies,
    facts: Facts,
    of_member: bool,
}

#[async_trait]
impl Moment for Held {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn dump(&self, _: Including) -> Result<Stream, CopyError> {
        let text = if self.of_member {
            let lost = self.copies.loses();
            script(self.facts.rows.iter().map(|(table, rows)| (table, rows.saturating_sub(lost))))
        } else {
            format!("{MAGIC}{}", serde_json::to_string(&self.facts.rows).unwrap_or_default())
        };
        let mut state = self.copies.state();
        if state.failing == 0 {
            return Ok(stream(text));
        }
        state.failing -= 1;
        let half: String = text.chars().take(text.len() / 2).collect();
        Ok(Box::pin(stream(half).chain(Broken)))
    }

    async fn workflows(&self) -> Result<Stream, CopyError> {
        Ok(stream(exported(self.facts.counts.workflows, r#""active":true"#)))
    }

    async fn credentials(&self) -> Result<Stream, CopyError> {
        Ok(stream(exported(self.facts.counts.credentials, r#""type":"httpBasicAuth""#)))
    }
}

/// So many of something, as they are exported.
fn exported(count: u64, field: &str) -> String {
    let each =
        (1..=count).map(|number| format!(r#"{{"id":"id-{number}","name":"Number {number}",{field}}}"#));
    let each: Vec<_> = each.collect();
    if each.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", each.join(",\n")) }
}

/// What breaks off.
struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("it broke off")))
    }
}
