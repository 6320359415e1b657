//! Copies of a tenant's database: made of one moment while its n8n works on, read, and loaded again.

use std::{collections::BTreeMap, pin::Pin};

use async_trait::async_trait;
use common::error::{Classify, Kind};
use time::OffsetDateTime;
use tokio::io::AsyncRead;

use crate::{
    Version,
    databases::{Beside, Counts, DatabaseError, Name},
    members::ProjectId,
};

mod contents;
mod export;
mod facts;
mod load;
mod member;
mod moves;
mod postgres;
mod process;
pub mod script;
mod server;

pub use contents::Contents;
pub use member::{Keys, Sharing};
pub use moves::{
    Bringing, Brought, Changes, MADE_ANEW, Moved, Moves, Moving, NewOwner, Onto, PostgresMoves, Thing,
    Webhook,
};
pub use process::{Program, ProgramError, Programs, Running};
pub use server::PostgresCopies;

/// Bytes that come as they are asked for. One that came to no good end fails when it is read to its end.
pub type Stream = Pin<Box<dyn AsyncRead + Send>>;

/// What goes along in a dump beside all the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Including {
    /// What ran, and what it left.
    pub executions: bool,
    /// Files that executions and people left.
    pub files: bool,
}

/// How a database is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filling {
    /// Whether the executions that the dump has go along.
    pub executions: bool,
    /// Whether nothing in it is to begin by itself: no workflow is active, nothing waits for its time.
    pub asleep: bool,
    /// Whether it is filled beside the tenant's own ([`Beside::Next`]), which stays as it is.
    pub beside: bool,
}

impl Filling {
    /// What the database is called that is filled.
    pub fn database(self, name: &Name) -> String {
        if self.beside { name.beside(Beside::Next) } else { name.to_string() }
    }
}

/// Copies of tenants' databases.
#[async_trait]
pub trait Copies: Send + Sync {
    /// What the tools are that make and read dumps, and the server is that they work on: `(tools, server)`, both as PostgreSQL numbers its
    /// versions. Tools that are older than the server cannot dump it.
    async fn versions(&self) -> Result<(String, String), CopyError>;

    /// Holds the present moment of a database: all that it gives is of that, whatever happens to the tenant meanwhile.
    async fn begin(&self, name: &Name) -> Result<Box<dyn Moment>, CopyError>;

    /// The same of what one of those has who share an n8n, in that n8n's database, and of nothing of anybody else's. [`Moment::dump`] is a
    /// [`script`] then, which needs no tool; credentials are encrypted with the copy's own key. Fails where there is no such member.
    async fn begin_member(&self, instance: &Name, sharing: Sharing) -> Result<Box<dyn Moment>, CopyError>;

    /// What a dump has in it. Reads all of it, and fails for what is no dump, or not a whole one.
    async fn contents(&self, dump: Stream) -> Result<Contents, CopyError>;

    /// Makes the database anew and empty, with the tenant's role as its guest, fills it from this dump, and makes it usable. Whatever had that name
    /// before is gone. Fails where the role is not there. Returns what is in it now.
    async fn load(
        &self,
        name: &Name,
        dump: Stream,
        contents: &Contents,
        filling: Filling,
    ) -> Result<Facts, CopyError>;

    /// The same from a script of one member ([`Copies::begin_member`]), into the tables of the release that it is of, whose template has to be there
    /// ([`crate::TenantDatabases::ensure_template`]): whoever it is of is the owner of an n8n of their own then, and webhooks are without the prefix.
    async fn load_member(
        &self,
        name: &Name,
        script: Stream,
        release: Version,
        filling: Filling,
    ) -> Result<Facts, CopyError>;
}

/// A moment of a database that is held. Dropped, it is let go.
#[async_trait]
pub trait Moment: Send + Sync {
    /// What was there.
    fn facts(&self) -> &Facts;

    /// A dump in PostgreSQL's custom format, not compressed, without owners and rights: whoever loads it decides on those.
    async fn dump(&self, including: Including) -> Result<Stream, CopyError>;

    /// An array of all workflows, as n8n's own import reads them.
    async fn workflows(&self) -> Result<Stream, CopyError>;

    /// The same of all credentials; their data is encrypted with n8n's key.
    async fn credentials(&self) -> Result<Stream, CopyError>;
}

/// What was there at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub at: OffsetDateTime,
    /// The server's version.
    pub server: String,
    /// The default collation's provider and version, where it has one: other versions may sort differently.
    pub collation: Option<String>,
    /// Rows of each of n8n's tables and of those that people made.
    pub rows: BTreeMap<String, u64>,
    pub counts: Counts,
    /// The workflows that were active, by their ids.
    pub active: Vec<String>,
    /// What is there and not copied, whatever is asked for.
    pub not_copied: Vec<Omitted>,
}

/// What is not copied, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Omitted {
    pub what: String,
    pub why: String,
}

impl Omitted {
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// Why a copy is not made, read or loaded.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("there is no member with the project {0}")]
    NoMember(ProjectId),
    /// It is not a dump, or not all of one, or lacks what it should have.
    #[error("the dump is not whole: {0}")]
    NotWhole(String),
    /// Where it came from failed.
    #[error("the dump could not be read")]
    Source(#[source] std::io::Error),
}

impl Classify for CopyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Database(error) => error.kind(),
            Self::Program(error) => error.kind(),
            Self::NoMember(_) => Kind::NotFound,
            Self::NotWhole(_) => Kind::Conflict,
            Self::Source(_) => Kind::Upstream,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Database(error) => error.hint(),
            Self::Program(error) => error.hint(),
            Self::NoMember(_) | Self::NotWhole(_) | Self::Source(_) => None,
        }
    }
}

/// Tables whose rows are executions, or would point at some that are not there.
const EXECUTIONS: [&str; 7] = [
    "chat_hub_messages",
    "execution_annotation_tags",
    "execution_annotations",
    "execution_data",
    "execution_entity",
    "execution_metadata",
    "test_case_execution",
];

/// Tables whose rows are files.
const FILES: [&str; 1] = ["binary_data"];

impl Including {
    /// Tables whose rows stay behind.
    pub fn left_out(self) -> impl Iterator<Item = &'static str> {
        let executions = EXECUTIONS.iter().filter(move |_| !self.executions);
        executions.chain(FILES.iter().filter(move |_| !self.files)).copied()
    }
}
